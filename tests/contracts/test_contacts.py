from contracts.contacts import ContactsContract
from leads_adapters.contacts import InternationalContacts
from leads_adapters.memory.contacts import SimpleContacts
from leads_domain.sources import Contacts


class TestInternationalContacts(ContactsContract):
    def make(self) -> Contacts:
        return InternationalContacts()


class TestSimpleContacts(ContactsContract):
    def make(self) -> Contacts:
        return SimpleContacts()
