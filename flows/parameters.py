"""What the flows' plain parameters mean, for the form and the command line."""

from pydantic import Field

SIZE = Field(description="Windows for training / validation: 250k is 250,000 / 10,000, 5.5m is 5,500,000 / 1,000,000.")
STORE = Field(description="The store's folder; unset: SAWTOOTH_STORE, or store/ in the project.")
SOURCE_NAME = Field(description="The source's name in the store; unset: the only one that has a champion of this size.")
RUN = Field(description="A run's id, or champion: the champion of the size and source.")
