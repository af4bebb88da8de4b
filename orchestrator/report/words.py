"""Numbers as people read them; pure."""

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """12345 → "12,345"; 3.14159 → "3.14"; 0.00012 → "0.00012"."""
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def size(nbytes: float) -> str:
    """Bytes in decimal units: 1500 → "1.50 kB"."""
    value, unit = float(nbytes), _SIZES[0]
    for unit in _SIZES:
        if abs(value) < 1000 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"


def duration(seconds: float) -> str:
    """0.0123 → "12 ms"; 75.2 → "1 min 15 s"; 7300 → "2 h 1 min"."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms" if seconds >= 0.001 else f"{seconds * 1e6:.3g} µs"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def share(part: float) -> str:
    """0.973 → "97 %"."""
    return f"{100 * part:.0f} %" if part >= 0.0995 or part == 0 else f"{100 * part:.2g} %"


def count(value: int, noun: str) -> str:
    """2, "file" → "2 files"."""
    return f"{number(value)} {noun}" if value == 1 else f"{number(value)} {noun}s"
