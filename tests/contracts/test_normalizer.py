"""Test the normalizers."""

from contracts.normalizer import NormalizerContract
from leads_adapters.memory.normalizer import SimpleNormalizer
from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.sources import Normalizer


class TestInternationalNormalizer(NormalizerContract):
    def make(self) -> Normalizer:
        return InternationalNormalizer()


class TestSimpleNormalizer(NormalizerContract):
    def make(self) -> Normalizer:
        return SimpleNormalizer()
