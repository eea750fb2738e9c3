package wire

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"http://10.77.0.11:2380":                    true,
		"https://[fd00::b]:2380":                    true,
		"https://core01.example.org:2380":           true,
		"http://10.77.0.11":                         false,
		"http://10.77.0.11:2380/":                   false,
		"http://10.77.0.11:2380\nExecStart=/x":      false,
		"http://10.77.0.11:2380 --data-dir=/":       false,
		"http://10.77.0.11:99999":                   false,
		"http://10.77.0.11:0":                       false,
		"http://0.0.0.0:2380":                       false,
		"http://[::]:2380":                          false,
		"http://224.0.0.1:2380":                     false,
		"http://10.77.0:2380":                       false,
		"http://0x0a.1:2380":                        false,
		"http://[fe80::1%25eth0]:2380":              false,
		"http://[10.0.0]:2380":                      false,
		"http://root:word@10.77.0.11:2380":          false,
		"http://$(reboot):2380":                     false,
		"http://%H:2380":                            false,
		"file:///etc/shadow":                        false,
		"unix://m0:1":                               false,
		"":                                          false,
		"http://" + strings.Repeat("a", 300) + ":1": false,
	} {
		if u, err := ParseURL(text); (err == nil) != ok {
			t.Errorf("%q: got %+v, %v", text, u, err)
		}
	}
}

func TestParseRegistration(t *testing.T) {
	for value, ok := range map[string]bool{
		"core01=http://10.77.0.11:2380":                                true,
		"core01=http://10.77.0.11:2380,core01=https://10.77.0.11:2381": true,
		"core01=http://10.77.0.11:2380,core02=http://10.77.0.11:2381":  false,
		"core01=http://10.77.0.11:2380,core01=http://10.77.0.12:2380":  false,
		"core01=http://core01:2380":                                    false,
		"=http://10.77.0.11:2380":                                      false,
		"core 01=http://10.77.0.11:2380":                               false,
		"core01":                                                       false,
		"":                                                             false,
		"core01=http://10.77.0.11:2380" + strings.Repeat(",core01=http://10.77.0.11:2380", 40): false,
	} {
		if r, err := ParseRegistration(value); (err == nil) != ok {
			t.Errorf("%q: got %+v, %v", value, r, err)
		}
	}
}

// harmless reports whether a text is one word of a unit, a shell and an environment file.
func harmless(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune("%$`\"'\\;&|<>(){}*?!#~", r)
	})
}

// FuzzMembers is of a list of members: what is taken can become a line of a unit.
func FuzzMembers(f *testing.F) {
	for _, seed := range [][2]string{{"core01", "http://10.77.0.11:2380"}, {"", ""}, {"a\nb", "https://[fd00::1]:1"}, {"x", "http://%n:1"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, url string) {
		if (Peer{Name: name, URLs: []string{url}}).Check() != nil {
			return
		}
		u, err := ParseURL(url)
		if err != nil || !harmless(name) || !harmless(url) || u.Host == "" || u.Port == 0 {
			t.Errorf("%q at %q was taken: %+v, %v", name, url, u, err)
		}
		if a := u.Addr(); a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
			t.Errorf("%q was taken", url)
		}
	})
}

// FuzzRegistration is of what is put into the discovery service.
func FuzzRegistration(f *testing.F) {
	f.Add("core01=http://10.77.0.11:2380")
	f.Add("core01=http://10.77.0.11:2380,core01=http://[fd00::1]:2381")
	f.Add("a=b=c,d")
	f.Fuzz(func(t *testing.T, value string) {
		r, err := ParseRegistration(value)
		if err != nil {
			return
		}
		if len(value) > MaxRegistration || !harmless(value) || !IsName(r.Name) || len(r.URLs) == 0 || r.URLs[0].Addr() == (netip.Addr{}) {
			t.Errorf("%q was taken: %+v", value, r)
		}
	})
}
