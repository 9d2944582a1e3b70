"""Request and response bodies, one file a resource. The OpenAPI document is made from them."""
