"""What every command does first, done once in the process that commands of the tests fork from."""

from tests.composing import composed

composed()
