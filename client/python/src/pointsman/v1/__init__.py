"""Messages and stubs of the API, generated; the .proto files document each field."""
