package remote

import (
	"net/url"
	"strings"
)

// KeyAdvice is what to do if ssh has said that it does not believe the machine: its key is in no file of known hosts, or another one is.
func (m Machine) KeyAdvice(said string) (advice string, is bool) {
	if !strings.Contains(said, "Host key verification failed") {
		return "", false
	}
	host, port := m.address()
	scan, known := "ssh-keyscan "+host, host
	if port != "" {
		scan, known = "ssh-keyscan -p "+port+" "+host, "'["+host+"]:"+port+"'"
	}
	if strings.Contains(said, "IDENTIFICATION HAS CHANGED") {
		return "if " + host + " was installed again: `ssh-keygen -R " + known + "`, and then `ssh " + m.Destination + "` shows its new key; else another machine answers in its place", true
	}
	return "`ssh " + m.Destination + "` once shows the key of the machine that answers, and keeps it in known_hosts if you say that it is the right one; " +
		"on a network that you trust `" + scan + " >>~/.ssh/known_hosts` does so without a question", true
}

// address is the host of the destination, and its port if that says one.
func (m Machine) address() (host, port string) {
	if at, err := url.Parse(m.Destination); err == nil && at.Scheme == "ssh" {
		return at.Hostname(), at.Port()
	}
	return m.Destination[strings.LastIndex(m.Destination, "@")+1:], ""
}
