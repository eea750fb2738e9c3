package grammar

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/config/verify/document"
)

var (
	visudoLine  = regexp.MustCompile(`:(\d+):(\d+): (.*)$`)
	sshdLine    = regexp.MustCompile(`: ?line (\d+): (.*)$|^\S+ line (\d+): (.*)$`)
	quoted      = regexp.MustCompile(`["']([^"']+)["']`)
	badOption   = regexp.MustCompile(`^Bad configuration option: (\S+)`)
	badCrypto   = regexp.MustCompile(`^Bad .* (?:spec|algorithms?) '`)
	ofThisBuild = regexp.MustCompile(`^Unsupported option `)
)

// visudoSaid is what visudo says of a file for sudo: with line and column, and the text there, which is shorter than the user's only
// by the words in it.
func visudoSaid(f document.File, said string) (faults []document.Fault) {
	text := strings.Split(string(f.Data), "\n")
	for _, line := range strings.Split(said, "\n") {
		m := visudoLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		at, column := number(m[1]), number(m[2])
		fault := document.Fault{Error: true, Path: f.Path, Line: at, Text: path.Base(f.Path) + ": " + m[3]}
		if q := quoted.FindStringSubmatch(m[3]); q != nil {
			fault.Needle = q[1]
		} else if at >= 1 && at <= len(text) && column > 1 && column <= len(text[at-1]) {
			fault.Needle = strings.TrimSpace(text[at-1][column-1:])
		}
		faults = append(faults, fault)
	}
	return faults
}

// sshdSaid is what sshd says of its configuration: of each line the first.
func sshdSaid(f document.File, said string) (faults []document.Fault) {
	seen, text := map[int]bool{}, strings.Split(string(f.Data), "\n")
	for _, line := range strings.Split(said, "\n") {
		m := sshdLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || seen[number(m[1]+m[3])] {
			continue
		}
		at := number(m[1] + m[3])
		seen[at] = true
		if fault, is := sshdFault(f, strings.TrimSuffix(m[2]+m[4], ".")); is {
			if fault.Line = at; fault.Needle == "" && at >= 1 && at <= len(text) {
				_, fault.Needle, _ = strings.Cut(strings.TrimSpace(text[at-1]), " ")
			}
			faults = append(faults, fault)
		}
	}
	return faults
}

// sshdFault is what sshd says of a line. It is none if sshd of the image may know what that of this host does not.
func sshdFault(f document.File, said string) (fault document.Fault, is bool) {
	fault = document.Fault{Error: true, Path: f.Path, Text: path.Base(f.Path) + ": " + said}
	if q := quoted.FindStringSubmatch(said); q != nil {
		fault.Needle = q[1]
	}
	switch bad := badOption.FindStringSubmatch(said); {
	case ofThisBuild.MatchString(said):
		return fault, false
	case strings.HasPrefix(said, "Deprecated option"):
		fault.Error = false
	case badCrypto.MatchString(said):
		fault.Error, fault.Hint = false, "sshd of this host does not know it; that of the image may be newer"
	case bad != nil && slices.ContainsFunc(sshdOptions, func(name string) bool { return strings.EqualFold(name, bad[1]) }):
		return fault, false
	case bad != nil:
		fault.Needle, fault.Text = bad[1], path.Base(f.Path)+": sshd has no option '"+bad[1]+"', and does not start"
		if near := document.Nearest(bad[1], sshdOptions); near != "" {
			fault.Text += "; did you mean " + near + "?"
		}
	}
	return fault, true
}

// sshdOptions are those of OpenSSH 10 (sshd_config(5)), and those that Fedora's and Debian's has beside them.
var sshdOptions = strings.Fields(`
AcceptEnv AddressFamily AllowAgentForwarding AllowGroups AllowStreamLocalForwarding AllowTcpForwarding AllowUsers AuthenticationMethods
AuthorizedKeysCommand AuthorizedKeysCommandUser AuthorizedKeysFile AuthorizedPrincipalsCommand AuthorizedPrincipalsCommandUser
AuthorizedPrincipalsFile Banner CASignatureAlgorithms ChallengeResponseAuthentication ChannelTimeout ChrootDirectory Ciphers ClientAliveCountMax
ClientAliveInterval Compression DebianBanner DenyGroups DenyUsers DisableForwarding ExposeAuthInfo FingerprintHash ForceCommand GatewayPorts
GSSAPIAuthentication GSSAPICleanupCredentials GSSAPIDelegateCredentials GSSAPIEnablek5users GSSAPIKexAlgorithms GSSAPIKeyExchange
GSSAPIStoreCredentialsOnRekey GSSAPIStrictAcceptorCheck HostbasedAcceptedAlgorithms HostbasedAuthentication HostbasedUsesNameFromPacketOnly
HostCertificate HostKey HostKeyAgent HostKeyAlgorithms IgnoreRhosts IgnoreUserKnownHosts Include IPQoS KbdInteractiveAuthentication
KerberosAuthentication KerberosGetAFSToken KerberosOrLocalPasswd KerberosTicketCleanup KerberosUniqueCCache KerberosUseKuserok KexAlgorithms
ListenAddress LoginGraceTime LogLevel LogVerbose MACs Match MaxAuthTries MaxSessions MaxStartups ModuliFile PAMServiceName
PasswordAuthentication PermitEmptyPasswords PermitListen PermitOpen PermitRootLogin PermitTTY PermitTunnel PermitUserEnvironment PermitUserRC
PerSourceMaxStartups PerSourceNetBlockSize PerSourcePenalties PerSourcePenaltyExemptList PidFile Port PrintLastLog PrintMotd
PubkeyAcceptedAlgorithms PubkeyAcceptedKeyTypes PubkeyAuthentication PubkeyAuthOptions RDomain RefuseConnection RekeyLimit RequiredRSASize
RevokedKeys RSAMinSize SecurityKeyProvider SetEnv SshdAuthPath SshdSessionPath StreamLocalBindMask StreamLocalBindUnlink StrictModes Subsystem
SyslogFacility TCPKeepAlive TrustedUserCAKeys UnusedConnectionTimeout UseDNS UsePAM VersionAddendum X11DisplayOffset X11Forwarding
X11UseLocalhost XAuthLocation`)
