"""The OpenAPI document: Litestar's, completed with what its generator does not know."""
