"""Bytes to and from an API server, through the official client's own configuration, authentication and TLS.

Only the outer half of `kubernetes.aio` is used: its kubeconfig loading (tokens, client certificates, exec plug-ins) and its HTTP
client. The typed models are never touched: they cost a second and a hundred megabytes to build and say nothing that the JSON does not.
The library is imported at the first connection, in a thread, so that neither the command line nor the event loop waits for it.

Time and size are bounded here: one deadline for the wait, the connection and the whole body, and a limit above which a body is refused
(or cut, for logs, where the beginning is still of use).
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import NotConfigured, Upstream

if TYPE_CHECKING:
    import aiohttp

SYSTEM = "The Kubernetes API server"
MAX_AT_ONCE = 16
MAX_BODY = 32 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: dict[str, Any] | list[Any] | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    limit: int = MAX_BODY
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    retry_after: str = ""


class Transport(Protocol):
    @property
    def base_url(self) -> str: ...

    async def send(self, request: Request) -> Reply:
        """The server's answer whatever its status; raises Upstream when there was none."""
        ...

    async def close(self) -> None: ...


class KubernetesTransport:
    """One context of one kubeconfig, or the pod's own account."""

    def __init__(self, client: Any, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._gate = asyncio.Semaphore(MAX_AT_ONCE)

    @property
    def base_url(self) -> str:
        return str(self._client.configuration.host)

    async def send(self, request: Request) -> Reply:
        import aiohttp

        try:
            # The wait for a free place counts: a server that hangs must not hold a caller for longer than the timeout.
            async with asyncio.timeout(self._timeout), self._gate:
                return await self._exchange(request)
        except TimeoutError as error:
            said = f"at {self.base_url} did not answer within {self._timeout:g} s"
            raise Upstream(SYSTEM, said, retryable=True) from error
        except (aiohttp.ClientError, OSError, ssl.SSLError) as error:
            raise self._broken(error) from error

    async def close(self) -> None:
        await self._client.close()

    async def _exchange(self, request: Request) -> Reply:
        import aiohttp

        method, url, headers, body, _ = await self._client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query),
            header_params={"Accept": request.accept, "Content-Type": request.content_type},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        bounds = aiohttp.ClientTimeout(total=self._timeout, connect=self._timeout)
        answer = await self._client.call_api(method, url, headers, body=body, _request_timeout=bounds)
        response: aiohttp.ClientResponse = answer.response
        try:
            content = await _bounded(response, request)
        finally:
            response.release()
        return Reply(response.status, content, response.headers.get("Retry-After", ""))

    def _broken(self, error: Exception) -> Upstream:
        import aiohttp

        where = f"at {self.base_url}"
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | ssl.SSLError):
            return Upstream(SYSTEM, f"{where} could not prove who it is (TLS): {error}", retryable=False)
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return Upstream(SYSTEM, f"{where} could not be found: its name does not resolve", retryable=True)
        if isinstance(error, aiohttp.ClientConnectorError):
            return Upstream(SYSTEM, f"{where} refused the connection: {error.strerror or error}", retryable=True)
        return Upstream(SYSTEM, f"{where} broke off: {type(error).__name__} {error}".rstrip(), retryable=True)


async def _bounded(response: "aiohttp.ClientResponse", request: Request) -> bytes:
    parts: list[bytes] = []
    left = request.limit
    async for chunk in response.content.iter_chunked(_CHUNK):
        parts.append(chunk[:left])
        left -= len(chunk)
        if left < 0:
            # What is left unread makes the connection useless for the next request.
            response.close()
            if request.cut:
                break
            raise Upstream(SYSTEM, f"answered {request.path} with more than {request.limit} bytes", retryable=False)
    return b"".join(parts)


async def connect(config_path: str, context: str, in_cluster: bool, seconds: float) -> KubernetesTransport:
    """A transport for one context; a kubeconfig that cannot be used is told as a setting that is wrong."""
    library = await asyncio.to_thread(_library)
    configuration = library.client.Configuration()
    try:
        async with asyncio.timeout(seconds):
            if in_cluster:
                library.config.load_incluster_config(client_configuration=configuration)
            else:
                await library.config.load_kube_config(
                    config_file=config_path,
                    context=context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
    except TimeoutError as error:
        raise Upstream(SYSTEM, f"'s credentials were not obtained within {seconds:g} s", retryable=True) from error
    except (library.config.ConfigException, OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        where = "the pod's service account" if in_cluster else config_path
        raise NotConfigured(SYSTEM, f"{where} cannot be used ({error}); check K8S_CONFIG_PATH.") from error
    try:
        # Reads the certificate authorities from the disk.
        client = await asyncio.to_thread(library.client.ApiClient, configuration)
    except (OSError, ValueError) as error:
        raise NotConfigured(SYSTEM, f"the certificates of {config_path} cannot be used ({error}).") from error
    client.user_agent = "firstmate"
    return KubernetesTransport(client, seconds)


def _library() -> Any:
    import kubernetes.aio

    return kubernetes.aio
