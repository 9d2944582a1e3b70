"""Complete the OpenAPI document that Litestar generates."""
