"""What a long list pages through: a page of ids first, straight from an index, then what that page shows of them."""

from django_tables2.data import TableData


class ListData(TableData):
    """Reads a page and one row more, never all of them."""

    orders = {}  # of each column that sorts: expressions
    usual = []
    sort = None

    def read(self, pks):
        """What a row shows of these, in their order."""
        raise NotImplementedError

    def set_table(self, table):
        self.table = table

    def order_by(self, aliases):
        """Called by the table with aliases that it knows; the first one counts."""
        self.sort = aliases[0] if aliases else None

    def ordered(self):
        name = (self.sort or "").removeprefix("-")
        if name not in self.orders:
            return self.data.order_by(*self.usual)
        down = self.sort.startswith("-")
        return self.data.order_by(*[e.desc() if down else e.asc() for e in self.orders[name]])

    def __getitem__(self, key):
        return self.read(list(self.ordered().values_list("pk", flat=True)[key.start or 0 : key.stop]))
