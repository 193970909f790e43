"""Where passages are searched: a port, and Qdrant in the process or on a server behind it."""

from palabre.retriever.index.port import Index

__all__ = ["Index"]
