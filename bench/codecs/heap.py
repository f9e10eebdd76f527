# A small Python heap for `bench codecs --quick`: records whose text is made of the words of a file, some of which are
# replaced all the time. It follows from the seed.
#
#   python3 heap.py WORDS RECORDS
#
# Says `ready` once they are all there.
import random
import re
import select
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    words = re.findall("[A-Za-z]+", file.read())
drawn = random.Random(1)


def record(number):
    first = drawn.randrange(len(words) - 40)
    return {
        "id": number,
        "name": drawn.choice(words) + " " + drawn.choice(words),
        "balance": drawn.random() * 10000,
        "tags": [drawn.randrange(1000) for _ in range(4)],
        "about": " ".join(words[first : first + 40]),
    }


records = [record(number) for number in range(int(sys.argv[2]))]
print("ready", flush=True)
# Until whoever has started it is gone.
while not select.select([sys.stdin], [], [], 0.01)[0]:
    for _ in range(40):
        number = drawn.randrange(len(records))
        records[number] = record(number)
