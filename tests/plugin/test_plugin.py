"""The plugin in other people's test suites: fixtures, options, marker, messages."""

from __future__ import annotations

import pytest

USES_A_PROXY = """
    def test_it(xks_proxy):
        assert xks_proxy.call("GetHealthStatus").status == 200
        assert xks_proxy.call("GetKeyMetadata", "usable").status == 200
        print("endpoint", xks_proxy.endpoint)
"""


@pytest.mark.parametrize(
    ("arguments", "ini", "endpoint"),
    [
        pytest.param([], "", "https://xks-proxy.test", id="default"),
        pytest.param(["--xks-transport=https"], "", "https://localhost:*", id="option"),
        pytest.param([], "xks_transport = https", "https://localhost:*", id="ini"),
        pytest.param(
            ["--xks-transport=in-process"],
            "xks_transport = https",
            "https://xks-proxy.test",
            id="the option wins",
        ),
    ],
)
def test_transport(pytester, arguments, ini, endpoint):
    """Option and ini key choose the way to the proxy; the option wins."""
    pytester.makeini(f"[pytest]\n{ini}")
    pytester.makepyfile(USES_A_PROXY)

    result = pytester.runpytest("-rA", *arguments)

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"endpoint {endpoint}"])


def test_marker_wins_from_the_inside_out(pytester):
    """The function's marker beats the module's, which beats the option."""
    pytester.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.xks(transport="https", allow_unused_faults=True)

        @pytest.mark.xks(transport="in-process")
        def test_inner(xks_proxy):
            xks_proxy.fault("delay")
            assert "localhost" not in xks_proxy.endpoint

        def test_outer(xks_proxy):
            assert "localhost" in xks_proxy.endpoint
        """
    )

    pytester.runpytest().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("transprot='https'", "*unexpected keyword argument 'transprot'*"),
        ("transport='carrier pigeon'", "*must be 'in-process' or 'https'*"),
        ("'https'", "*takes keywords only*"),
    ],
)
def test_slip_in_the_marker(pytester, marker, message):
    """A slip in the marker is told, with what is allowed."""
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.xks({marker})
        def test_it(xks_proxy): ...
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([message])


def test_slip_in_the_ini_file(pytester):
    """A value of the ini key that means nothing is a usage error."""
    pytester.makeini("[pytest]\nxks_transport = smoke signals")

    result = pytester.runpytest()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*ini key xks_transport must be 'in-process' or 'https'*"]
    )


@pytest.mark.parametrize(
    ("fixture", "arm", "owner", "shown"),
    [
        pytest.param(
            "xks_proxy",
            'fault("ThrottlingException", operation="Encrypt")',
            "the mock XKS proxy",
            "<fault ThrottlingException operation=Encrypt, 0 hits>",
            id="proxy",
        ),
        pytest.param(
            "xks_fake_kms",
            'fault("key-store-names-not-unique")',
            "the fake KMS",
            "<fault key-store-names-not-unique, 0 hits>",
            id="fake KMS",
        ),
    ],
)
def test_unused_fault_fails(pytester, fixture, arm, owner, shown):
    """A fault that was never hit fails the test and says how to allow it."""
    pytester.makepyfile(
        f"""
        import pytest

        def test_it({fixture}):
            {fixture}.{arm}

        @pytest.mark.xks(allow_unused_faults=True)
        def test_on_purpose({fixture}):
            {fixture}.{arm}
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            f"*faults of {owner} were armed and never hit:*",
            f"*{shown}*",
            "*@pytest.mark.xks(allow_unused_faults=True)*",
        ]
    )


def test_fault_that_is_hit_passes(pytester):
    """A fault of the fake KMS that a call comes to is one that was rehearsed."""
    pytester.makepyfile(
        """
        def test_it(xks_fake_kms, make_xks_key_store):
            xks_fake_kms.fault("key-store-names-not-unique")
            assert make_xks_key_store(name="a").name == "a"
            assert make_xks_key_store(name="a").name == "a"
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_failure_shows_what_was_asked(pytester):
    """A failed test is reported with the requests that its proxy answered."""
    pytester.makepyfile(
        """
        def test_it(xks_proxy):
            xks_proxy.call("GetKeyMetadata", "nowhere")
            assert False
        """
    )

    result = pytester.runpytest()

    result.stdout.fnmatch_lines(
        [
            "*MockXksProxy(https://xks-proxy.test/*) was asked*",
            "GetKeyMetadata nowhere for CreateKey -> 404 KeyNotFoundException",
        ]
    )


def test_factory_makes_separate_proxies(pytester):
    """Two proxies of one test share neither keys nor journal."""
    pytester.makepyfile(
        """
        def test_it(make_xks_proxy, xks_proxy):
            other = make_xks_proxy(uri_path="/other/kms/xks/v1")
            other.add_key("mine")
            assert other.call("GetKeyMetadata", "mine").status == 200
            assert xks_proxy.call("GetKeyMetadata", "mine").status == 404
            assert len(other.requests) == len(xks_proxy.requests) == 1
        """
    )

    pytester.runpytest().assert_outcomes(passed=1)


def test_help_explains_the_plugin(pytester):
    """The option, the ini key and the marker explain themselves."""
    described = pytester.runpytest("--help").stdout.str()
    markers = pytester.runpytest("--markers").stdout.str()

    assert "--xks-transport" in described
    assert "xks_transport (string)" in described
    assert "@pytest.mark.xks(*, transport:" in markers


@pytest.mark.parametrize("fixture", ["make_xks_proxy", "xks_kms", "xks_key"])
def test_wider_scope(pytester, fixture):
    """Who asks for a fixture of ours in a wider scope hears what to write instead."""
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.fixture(scope="module")
        def mine({fixture}):
            return {fixture}

        def test_it(mine):
            pass
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            f"ScopeMismatch: * fixture {fixture} with a module scoped request *",
            "*- pytest-xks -*",
            f"The fixture {fixture} is fresh for each test.*",
            '    @pytest.fixture(scope="module")',
            "        with pytest_xks.mock_xks() as xks:",
        ]
    )


def test_other_scopes_are_not_ours(pytester):
    """A scope that somebody else's fixture does not have is none of our business."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def mine(tmp_path):
            return tmp_path

        def test_it(mine):
            pass
        """
    )

    result = pytester.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line("*pytest-xks -*")
