"""The book's fault table says what these tests show, in their own words, and nothing else."""

import fault_table


def test_the_table_in_the_book_is_what_the_tests_declare():
    written = fault_table.TABLE.read_text()
    remedy = "run  python -m pytest -m fault --fault-table  and commit book/faults.csv"
    assert written == fault_table.as_text(fault_table.rows()), remedy


def test_no_fault_stands_in_the_table_twice():
    table = fault_table.rows()
    assert len(table) > 40 and len({row[:2] for row in table}) == len(table)
