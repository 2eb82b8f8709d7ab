"""The commands of ``loadstar`` that do more than start something: see ``cli``."""
