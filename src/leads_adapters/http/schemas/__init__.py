"""Request and response bodies, one module for each resource. The OpenAPI document is made from them."""
