"""The claims of the book: what is claimed, its bounds, how it is measured, and the verdict.

`file` reads and writes book/claims.yml, `measures` has a function
for each claim, `page` shows them.
"""

from smoothrelu.book.claims.file import read_claims as read_claims
from smoothrelu.book.claims.page import board_of_claims as board_of_claims
