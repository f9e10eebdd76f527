# A Python heap for the corpus: the records of a file as objects, some of which are replaced all the time.
#
#   python3 heap.py RECORDS
#
# Says `ready` once they are all there.
import json
import sys
import time

EVERY_SECONDS = 0.01
AT_ONCE = 40


class Person:
    def __init__(self, record):
        self.id = record["id"]
        self.name = record["name"]
        self.born = tuple(int(part) for part in record["born"].split("-"))
        self.balance = record["balance"]
        self.tags = record["tags"]
        self.about = record["about"]


people = {}
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        record = json.loads(line)
        people[record["email"]] = Person(record)
emails = list(people)
print("ready", flush=True)
turn = 0
while True:
    for _ in range(AT_ONCE):
        turn += 1
        person = people[emails[turn * 7919 % len(emails)]]
        person.balance += turn
        person.tags = person.tags[-3:] + ["turn-%d" % turn]
    time.sleep(EVERY_SECONDS)
