"""The Python environment of a checkout, made in seconds after the first time.

Third-party packages (Odoo's side and ours) are installed once per user, in the cache,
keyed by the interpreter and the requirements. The checkout's own `.venv` is light: it
looks into the cached packages, and has this project installed in editable form.
"""

import configparser
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tests.real import debian
from tests.real.cache import cache_folder, exclusive
from tests.real.errors import RealPartMissing
from tests.real.processes import last_lines, run
from tests.real.progress import say, step

CHECKOUT = Path(__file__).parents[2]
LIGHT = CHECKOUT / ".venv"
ODOO_REQUIREMENTS = Path(__file__).with_name("requirements-odoo.txt")
# Folders whose presence an editable install takes note of.
MAPPED_FOLDERS = ("contracts", "driver", "addons/launchplane_lane_authority/guard")
# Extras that one command needs and nothing else; they are installed when it is run.
ON_DEMAND = frozenset({"benchmark", "docs", "mutation"})
DISTRIBUTION_FILES = ("setup.cfg", "setup.py", "pyproject.toml")


def requirements() -> list[str]:
    """Everything that is installed: what setup.cfg declares, and what Odoo imports."""
    declared = declarations()
    extras = declared["options.extras_require"]
    lists = [text for name, text in extras.items() if name not in ON_DEMAND]
    lists += [declared["options"]["install_requires"], ODOO_REQUIREMENTS.read_text()]
    return lines_of(*lists)


def declarations() -> configparser.ConfigParser:
    """What setup.cfg says."""
    declared = configparser.ConfigParser()
    declared.read(CHECKOUT / "setup.cfg", encoding="utf-8")
    return declared


def lines_of(*texts: str) -> list[str]:
    """The requirements in such texts."""
    lines = (line.strip() for text in texts for line in text.splitlines())
    return sorted({line for line in lines if line and not line.startswith("#")})


def fingerprint(*parts: str) -> str:
    """A short name for this combination."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def packages_folder() -> Path:
    """The cached environment that has every third-party package."""
    version = ".".join(map(str, sys.version_info[:3]))
    key = fingerprint(sys.version, base_python(), *requirements())
    return cache_folder() / "python" / f"{version}-{key}"


def base_python() -> str:
    """The interpreter itself, whichever of its names or environments this was started by."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def is_complete(environment: Path) -> bool:
    """Whether it was built to the end: the marker is written last."""
    return (environment / "complete").exists() and (environment / "bin" / "python").exists()


def provide_packages() -> Path:
    """The cached environment, built the first time.

    An environment can't be renamed (its scripts name its path), so it is built where it
    will stay and marked when complete; an unfinished one is removed and built again.
    """
    environment = packages_folder()
    if is_complete(environment):
        return environment
    with exclusive(environment.with_name(f"{environment.name}.lock"), "installing packages"):
        if not is_complete(environment):
            shutil.rmtree(environment, ignore_errors=True)
            with step(f"Python {sys.version.split()[0]}: making an environment"):
                make_environment(environment, with_pip=True)
            install_packages(environment)
            (environment / "complete").touch()
    return environment


def make_environment(folder: Path, with_pip: bool) -> None:
    """An empty virtual environment of the machine's own Python."""
    try:
        venv.EnvBuilder(with_pip=with_pip, symlinks=True).create(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise RealPartMissing(
            f"Could not make a virtual environment in {folder} ({error}).\n"
            "Check the space on that disk; on Debian the package python3-venv is needed."
        ) from error


def provide_extra(name: str) -> Path:
    """The cached folder with the packages of an extra that only one command needs.

    Who wants them puts the folder behind its own packages in the path.
    """
    wanted = lines_of(declarations()["options.extras_require"][name])
    packages = provide_packages()
    folder = packages.with_name(f"{packages.name}-{name}-{fingerprint(*wanted)}")
    with exclusive(folder.with_name(f"{folder.name}.lock"), f"installing packages for {name}"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            with step(f"Python packages: installing {', '.join(wanted)} from PyPI"):
                run(
                    [
                        *(str(packages / "bin" / "python"), "-m", "pip", "install", "-q", "-q"),
                        *("--disable-pip-version-check", "--no-input", "--target", str(folder)),
                        *wanted,
                    ],
                    purpose=f"install the packages of the extra {name} from PyPI",
                    remedy="Check the network and pip's settings, then try again.",
                    environment=environment_for_pip(),
                )
            (folder / "complete").touch()
    return folder


def install_packages(environment: Path) -> None:
    """Install all requirements, and show which one pip is at."""
    listed = environment / "requirements.txt"
    listed.write_text("\n".join(requirements()) + "\n")
    command = [
        *(str(environment / "bin" / "python"), "-m", "pip", "install"),
        *("--disable-pip-version-check", "--no-input", "--progress-bar", "off"),
        *("--requirement", str(listed)),
    ]
    with step(f"Python packages: installing {len(requirements())} and what they need from PyPI"):
        log = environment / "pip.log"
        with (
            log.open("w") as kept,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=kept,
                text=True,
                env=environment_for_pip(),
            ) as pip,
        ):
            collected = 0
            for line in pip.stdout or ():
                kept.write(line)
                kept.flush()
                if line.startswith("Collecting "):
                    collected += 1
                    if collected % 40 == 0:
                        say(f"    {collected} packages looked up so far")
                elif line.startswith(("Building wheels", "Installing collected")):
                    say(f"    {line.split(':')[0].strip()}")
        if pip.returncode != 0:
            raise RealPartMissing(
                "Could not install the Python packages from PyPI: pip ended with code "
                f"{pip.returncode}.\nCheck the network and pip's settings, then try again. "
                f"Its output ends with:\n{last_lines(log.read_text())}"
            )


def environment_for_pip() -> dict[str, str]:
    """The caller's environment, proxies and pip's settings included, without foreign paths."""
    hidden = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def site_packages(environment: Path) -> Path:
    """Where an environment keeps its packages."""
    version = ".".join(map(str, sys.version_info[:2]))
    return environment / "lib" / f"python{version}" / "site-packages"


def provide_checkout(packages: Path) -> None:
    """The checkout's own environment, made or brought up to date."""
    made_of = fingerprint(str(packages), str(CHECKOUT), base_python())
    mapped = [folder for folder in MAPPED_FOLDERS if (CHECKOUT / folder).is_dir()]
    contents = [(CHECKOUT / name).read_text() for name in DISTRIBUTION_FILES]
    installed_as = fingerprint(made_of, *mapped, *contents)
    if reads(LIGHT / "made-of") == made_of and reads(LIGHT / "installed-as") == installed_as:
        return
    with exclusive(CHECKOUT / ".venv.lock", "setting up this checkout"):
        if reads(LIGHT / "made-of") != made_of:
            shutil.rmtree(LIGHT, ignore_errors=True)
            make_environment(LIGHT, with_pip=False)
            pointer = site_packages(LIGHT) / "cached-packages.pth"
            pointer.write_text(f"{site_packages(packages)}\n")
            (LIGHT / "made-of").write_text(made_of)
        if reads(LIGHT / "installed-as") != installed_as:
            with step("This checkout: installing it in editable form"):
                install_checkout()
            (LIGHT / "installed-as").write_text(installed_as)


def reads(path: Path) -> str:
    """What a marker says, or nothing."""
    return path.read_text() if path.exists() else ""


def install_checkout() -> None:
    """Install this project itself; its build needs no network."""
    run(
        [
            *(str(LIGHT / "bin" / "python"), "-m", "pip", "install", "-q", "-q", "--no-deps"),
            *("--no-build-isolation", "--no-index", "--disable-pip-version-check"),
            *("--editable", str(CHECKOUT)),
        ],
        purpose="install this checkout into its environment",
        remedy="Run make clean, then try again.",
        environment=environment_for_pip(),
        folder=CHECKOUT,
    )


def main() -> int:
    """Make what is missing; quiet and quick when nothing is."""
    try:
        if not is_complete(packages_folder()):
            # Everything that the machine lacks is said or installed at once, before the wait.
            debian.provide()
        provide_checkout(provide_packages())
    except RealPartMissing as missing:
        say(str(missing))
        return 1
    except KeyboardInterrupt:
        say("Interrupted. What was half made is made anew the next time.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
