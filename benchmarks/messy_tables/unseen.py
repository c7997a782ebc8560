"""The unseen half, to be looked at only when the work is done."""

import datetime
import json
import lzma
import random
import re
import sqlite3
from pathlib import Path

import openpyxl
import pyarrow.feather
from dirt import (
    camel,
    dates,
    file,
    french,
    load,
    money,
    spoil,
    text,
    typed,
    workbook,
    written,
)


@file("salaries.txt")
def salaries(path: Path, _: random.Random) -> None:
    table = load("openintro", "blizzard_salary").drop(columns="rownames")
    table["current_salary"] = table["current_salary"].map(money)
    table["percent_incr"] = table["percent_incr"].map(lambda cell: cell and f"{cell}%")
    text(path, written(table, "\t", "\r\n"), "utf-16")


@file("piracy.csv")
def piracy(path: Path, _: random.Random) -> None:
    table = load("openintro", "piracy", missing="-").drop(columns="rownames")
    for name in "money_pro", "money_con":
        table[name] = table[name].map(lambda cell: cell if cell == "-" else money(cell, places=0))
    text(path, written(table))


@file("sacramento.csv")
def sacramento(path: Path, _: random.Random) -> None:
    table = load("modeldata", "Sacramento").drop(columns="rownames")
    table["price"] = table["price"].map(lambda cell: money(cell, places=0))
    table["zip"] = table["zip"].str.removeprefix("z")
    text(path, written(table))


@file("shuttle.csv")
def shuttle(path: Path, _: random.Random) -> None:
    table = load("MASS", "shuttle").drop(columns="rownames")
    text(path, written(table).partition("\n")[2])


@file("births.xlsx")
def births(path: Path, _: random.Random) -> None:
    table = typed("mosaicData", "Gestation").to_pydict()
    table["date"] = [datetime.date.fromisoformat(day) for day in table["date"]]
    names = ["wt" if name == "wt.1" else name for name in table]
    rows = list(zip(*table.values(), strict=True))
    book = openpyxl.Workbook()
    book.active.title = "Births"
    book.create_sheet("Births (2)")
    for sheet, part in zip(book, (rows, rows[:1100]), strict=True):
        sheet.append(names)
        for row in part:
            sheet.append(row)
        for cells in sheet.iter_rows(min_row=2):
            cells[names.index("date")].number_format = "dd/mm/yyyy"
    workbook(path, book)


@file("titanic.db")
def titanic(path: Path, _: random.Random) -> None:
    table = load("carData", "TitanicSurvival")
    table["survived"] = table["survived"].map({"yes": "1", "no": "0"})
    rows = table[["rownames", "survived", "sex", "age", "passengerClass"]].to_numpy().tolist()
    with sqlite3.connect(path) as base:
        base.execute(
            "CREATE TABLE passengers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, "
            "survived INTEGER, sex TEXT, age TEXT, class TEXT)"
        )
        names = "name, survived, sex, age, class"
        base.executemany(f"INSERT INTO passengers ({names}) VALUES (?, ?, ?, ?, ?)", rows)
    base.close()


METRO = {
    "name": "Station",
    "lines": "Lignes",
    "connect_tramway": "Tramway",
    "passengers": "Voyageurs entrés",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "location": "Commune",
}


@file("metro.csv")
def metro(path: Path, _: random.Random) -> None:
    table = load("gt", "metro")
    suburban = table["connect_rer"].map(lambda cell: "oui" if cell else "non")
    table = table[list(METRO)].rename(columns=METRO)
    table["Voyageurs entrés"] = table["Voyageurs entrés"].map(french).replace("", "n.c.")
    for name in "Latitude", "Longitude":
        table[name] = table[name].str.replace(".", ",")
    table["Correspondance RER"] = suburban
    text(path, written(table, ";", "\r\n"), "cp1252")


LENGTHS = {"emp_ge_10": "10+ years", "emp_lt_1": "< 1 year", "emp_unk": "n/a", "emp_1": "1 year"}


@file("loans.csv.xz")
def loans(path: Path, chance: random.Random) -> None:
    table = load("modeldata", "lending_club", rows=4000).drop(columns="rownames")
    members = chance.sample(range(1_000_000, 9_999_999), len(table))
    table.insert(0, "member_id", [str(member) for member in members])
    table["term"] = table["term"].map(lambda cell: f" {cell[-2:]} months")
    table["int_rate"] = table["int_rate"] + "%"
    table["annual_inc"] = table["annual_inc"].map(money)
    table["annual_inc"] = spoil(table["annual_inc"], "not verified", range(3720, 3990, 54))
    table["verification_status"] = table["verification_status"].map(camel)
    table["emp_length"] = table["emp_length"].map(
        lambda cell: LENGTHS.get(cell) or re.sub(r"emp_(\d)", r"\1 years", cell)
    )
    path.write_bytes(lzma.compress(written(table).encode(), preset=6))


@file("migraine.feather")
def migraine(path: Path, _: random.Random) -> None:
    pyarrow.feather.write_feather(typed("carData", "KosteckiDillon"), path)


@file("cholera.csv")
def cholera(path: Path, chance: random.Random) -> None:
    table = load("HistData", "CholeraDeaths1849")
    early = table["day_of_month"].astype(int) <= 12
    table = table.loc[early, ["date", "cause_of_death", "deaths"]]
    table["date"] = dates(table["date"], "{t:%d/%m/%Y}")
    order = chance.sample(range(len(table)), len(table))
    text(path, written(table.iloc[order]))


@file("air_quality.csv")
def air_quality(path: Path, _: random.Random) -> None:
    text(path, written(load("openintro", "pm25_2011_durham"), end="\r\n"))


@file("hawks.jsonl")
def hawks(path: Path, _: random.Random) -> None:
    table = typed("Stat2Data", "Hawks").to_pylist()
    lines = []
    for bird in table:
        day = f"{bird['Year']}-{bird['Month']:02d}-{bird['Day']:02d}"
        size = {name.lower(): bird[name] for name in ("Wing", "Weight", "Culmen", "Hallux", "Tail")}
        record = {
            "band": bird["BandNumber"],
            "species": bird["Species"],
            "captured": f"{day}T{bird['CaptureTime'].strip().zfill(5)}:00Z",
            "bird": {"age": bird["Age"], "sex": bird["Sex"]},
            "size": {name: value for name, value in size.items() if value is not None},
        }
        lines.append(json.dumps(record))
    text(path, "\n".join(lines) + "\n")


@file("processors.csv")
def processors(path: Path, chance: random.Random) -> None:
    table = load("openintro", "cpu").drop(columns="rownames")
    for name in "base_clock", "boost_clock":
        table[name] = table[name].map(lambda cell: cell and f"{cell} GHz")
    for name, unit in ("process", "nm"), ("tdp", "W"):
        table[name] = table[name].map(lambda cell, unit=unit: f"{cell} {unit}")
    table["l3_cache"] = table["l3_cache"].map(cache)
    table["released"] = dates(table["released"], "{t:%b} {t.day}, {t.year}").replace("", "TBD")
    order = chance.sample(range(len(table)), len(table))
    text(path, written(table.iloc[order]))


def cache(megabytes: str) -> str:
    """256 KB, 3 MB, or n/a."""
    if not megabytes:
        return "n/a"
    size = float(megabytes)
    return f"{size * 1024:g} KB" if size < 1 else f"{size:g} MB"


@file("fun_run.csv")
def fun_run(path: Path, chance: random.Random) -> None:
    table = load("openintro", "get_it_dunn_run").drop(columns="rownames")
    table = table.rename(columns={"run_time_minutes": "run_time"})
    table["run_time"] = table["run_time"].map(clock)
    table["run_time"] = spoil(table["run_time"], "DNF", range(880, 970, 15))
    chips = chance.sample(range(90_000), len(table))
    table.insert(3, "chip", [f"{chip:05d}" for chip in chips])
    firmware = [chance.choice(["2.8", "2.9", "2.10", "2.10.1"]) for _ in range(len(table))]
    table.insert(4, "timer_version", firmware)
    starts = [f"{chance.randrange(1, 5)}" if chance.random() < 0.97 else "-" for _ in firmware]
    table["wave"] = starts
    text(path, written(table))


def clock(minutes: str) -> str:
    """59:28 or 1:46:12."""
    seconds = round(float(minutes) * 60)
    hours, rest = divmod(seconds, 3600)
    start = f"{hours}:{rest // 60:02d}" if hours else f"{rest // 60}"
    return f"{start}:{rest % 60:02d}"


@file("students.csv")
def students(path: Path, chance: random.Random) -> None:
    table = load("MASS", "survey").drop(columns="rownames")
    table["Exer"] = table["Exer"].replace("", "None")  # R's file says None: no exercise
    table["Pulse"] = table["Pulse"].replace("", "n/a")
    table["Sex"] = [
        chance.choice([cell, cell, cell.upper(), cell.lower(), f"{cell} "]) for cell in table["Sex"]
    ]
    table["Enrolled"] = [chance.choice(["Yes", "yes", "Y", "No", "no"]) for _ in table["Sex"]]
    lines = ["sep=;", "# Statistics I, University of Adelaide", "# Hand spans in cm"]
    lines += written(table, ";").splitlines()
    ends = [chance.choice(["\n", "\r\n"]) for _ in lines]
    text(path, "".join(line + end for line, end in zip(lines, ends, strict=True)))
