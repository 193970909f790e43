"""What Palabre adds to a model, beside a direct call and beside what people use instead."""
