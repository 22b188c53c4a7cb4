"""JSON in and out, one class per shape; the OpenAPI document is generated from them."""
