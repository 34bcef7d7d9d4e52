"""The certificates of a mesh: of the servers, of Envoy towards them, and of the edge towards callers."""

import certificates


def write(directory, certificate, authority):
    """A new directory with tls.crt, tls.key and ca.crt."""
    directory.mkdir(parents=True)
    certificates.write_atomically(directory / "tls.crt", certificate.pem)
    certificates.write_atomically(directory / "tls.key", certificate.key_pem)
    certificates.write_atomically(directory / "ca.crt", authority.pem)
    return directory


class MeshCertificates:
    """Files below `directory`, where the configurations of deploy/envoy expect those of Envoy.

    `server_settings` make a Pointsman server demand mTLS; `edge_authority` is what callers trust.
    """

    def __init__(self, directory):
        mesh, callers = certificates.Authority("Mesh Root"), certificates.Authority("Public Root")
        self.mesh = mesh
        server = write(directory / "tls" / "server", mesh.issue(
            "pointsman", names=("DNS:pointsman.internal", "DNS:localhost", "IP:127.0.0.1")), mesh)
        envoy = write(
            directory / "tls" / "mesh", mesh.issue_client("URI:spiffe://mesh/envoy"), mesh)
        edge = write(directory / "tls" / "edge", callers.issue("localhost"), callers)
        self.server_settings = {
            "tls_certificate_file": server / "tls.crt",
            "tls_private_key_file": server / "tls.key",
            "tls_client_ca_file": server / "ca.crt",
        }
        self.mesh_files = {
            "ca": envoy / "ca.crt", "cert": envoy / "tls.crt", "key": envoy / "tls.key",
        }
        self.edge_authority = edge / "ca.crt"
        self.callers = callers
