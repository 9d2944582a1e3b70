from contracts.normalizer import ContactsContract
from leads_adapters.memory.normalizer import SimpleContacts
from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.sources import Normalizer


class TestInternationalContacts(ContactsContract):
    def make(self) -> Normalizer:
        return InternationalNormalizer()


class TestSimpleContacts(ContactsContract):
    def make(self) -> Normalizer:
        return SimpleContacts()
