"""The gateway is killed in the middle of answers; clients resume and put together the same text."""
