"""Numbers as people read them; pure."""

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """12345 → "12,345"; 3.14159 → "3.14"; 0.00012 → "0.00012"."""
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 99.95 else f"{value:.3g}"


def size(nbytes: float) -> str:
    """Bytes in decimal units: 1500 → "1.5 kB"."""
    value, unit = float(nbytes), _SIZES[0]
    for unit in _SIZES:
        if abs(value) < 999.5 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 99.95 else f"{value:.3g} {unit}"


def duration(seconds: float) -> str:
    """0.0123 → "12.3 ms"; 75.2 → "1 min 15 s"; 7300 → "2 h 1 min"."""
    if seconds == 0:
        return "0 s"
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.3g} µs"
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 59.95:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def share(part: float) -> str:
    """0.973 → "97 %"; what is not quite all is never called "100 %"."""
    if 0.995 <= part < 1:
        return ">99 %"
    return f"{100 * part:.0f} %" if part >= 0.0995 or part == 0 else f"{100 * part:.2g} %"


def count(value: int, noun: str) -> str:
    """2, "file" → "2 files"; 2, "process" → "2 processes"."""
    if value == 1:
        return f"{number(value)} {noun}"
    return f"{number(value)} {noun}{'es' if noun.endswith('s') else 's'}"


def cpu_hours(hours: float) -> str:
    """8.612 → "8.61 CPU-hours"; what is less than a hundredth of one is told in seconds: "1.08 s of CPU time"."""
    if 0 < hours < 0.01:
        return f"{duration(hours * 3600)} of CPU time"
    return f"{number(float(f'{hours:.3g}'))} CPU-hours"
