"""Go's text/template and html/template as far as alerts use them: a lexer, a parser, a bounded evaluator, and the words they know."""
