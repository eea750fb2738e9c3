package generation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/config/render"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/workspace"
)

// world is a cluster's folder, and a config with a text.
type world struct {
	Options
	source config.Set
	said   *strings.Builder
}

func newWorld(t *testing.T, text string, change func(*Options)) world {
	t.Helper()
	said := &strings.Builder{}
	o := Options{
		Dir: t.TempDir(), Prefix: "core", Way: "static", Addresses: "10.0.0.1,10.0.0.2",
		Bridge: func() (string, error) { return "", errors.New("no bridge") },
		Say:    func(format string, args ...any) { fmt.Fprintf(said, format+"\n", args...) },
	}
	o.Nodes = workspace.Nodes(o.Dir, "core", 2)
	if change != nil {
		change(&o)
	}
	return world{o, sourceOf(t, o, text), said}
}

func sourceOf(t *testing.T, o Options, text string) config.Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plain.yml")
	yaml := "variant: fcos\nversion: 1.5.0\nstorage: {files: [{path: /etc/x, contents: {inline: " + text + "}}]}\n"
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := config.Read(config.Options{
		Path: path, Prefix: o.Prefix, Nodes: o.Nodes, Updates: true, Later: Later(o),
		Vars: func(string) (map[string]string, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return config.One(source)
}

func (w world) made(t *testing.T) Generation {
	t.Helper()
	g, err := Make(t.Context(), w.Options, w.source)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (w world) file(t *testing.T) string {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(w.Dir, "discovery.url.core"))
	return string(text)
}

func TestMake(t *testing.T) {
	w := newWorld(t, "Etcd_Discovery_Flags", nil)
	w.ReadOnly = true
	if g := w.made(t); g.Token != nil || g.Words[discovery.WordFlags] != discovery.WordFlags || w.file(t) != "" {
		t.Errorf("a look: got %+v, wrote %s", g, w.file(t))
	}
	w.ReadOnly = false
	first := w.made(t)
	if first.Token == nil || first.Pending || !strings.Contains(first.Words[discovery.WordFlags], "core02=http://10.0.0.2:2380") {
		t.Fatalf("got %+v", first)
	}
	kept := w.file(t)
	if again := w.made(t); *again.Token != *first.Token || w.file(t) != kept {
		t.Errorf("the same settings: got %+v", again)
	}
	w.Addresses = "10.0.0.1,10.0.0.3"
	other := w.made(t)
	if other.Token.ID == first.Token.ID || w.file(t) == kept {
		t.Errorf("other addresses, no nodes: got %+v", other)
	}
	w.HasNodes, w.Addresses = true, "10.0.0.1,10.0.0.4"
	if g := w.made(t); *g.Token != *other.Token {
		t.Errorf("nodes keep their token: got %+v", g)
	}
	w.All = true
	if g := w.made(t); !g.Pending || *g.Token != *other.Token || g.Words[discovery.WordFlags] != discovery.WordFlags {
		t.Errorf("recreate=all: got %+v", g)
	}
	w.All, w.Renew = false, true
	if _, err := Make(t.Context(), w.Options, w.source); err == nil || !strings.Contains(err.Error(), "renew=true: the nodes of this cluster use its discovery token") {
		t.Errorf("got %v", err)
	}
	w.Renew, w.source = false, sourceOf(t, w.Options, "Etcd_CA_Certificate")
	if _, err := Make(t.Context(), w.Options, w.source); err == nil || !strings.Contains(err.Error(), "which turns on TLS for etcd, but this cluster was made with") {
		t.Errorf("got %v", err)
	}
}

// TestNoWordOfDiscovery: nodes that were made with a token have an etcd all the same.
func TestNoWordOfDiscovery(t *testing.T) {
	w := newWorld(t, "x", nil)
	if g := w.made(t); g.Token != nil || w.file(t) != "" || w.said.String() != "discovery: the config does not ask for it\n" {
		t.Errorf("got %+v, said %s", g, w.said)
	}
	token := discovery.Static([]string{"core01"}, []string{"10.0.0.1"}, false)
	if err := token.Write(w.Dir, w.Prefix); err != nil {
		t.Fatal(err)
	}
	if g := w.made(t); g.Token != nil {
		t.Errorf("without nodes: got %+v", g)
	}
	w.HasNodes = true
	if g := w.made(t); g.Token == nil || g.Token.ID != token.ID || len(g.Words) > 0 {
		t.Errorf("with nodes: got %+v", g)
	}
}

// TestOneGenerationAfterAnother has an authority that goes with its generation, and flags of joining that do, too.
func TestOneGenerationAfterAnother(t *testing.T) {
	w := newWorld(t, "Etcd_Discovery_Flags Etcd_CA_Certificate", nil)
	first := w.made(t)
	if !first.TLS() || !strings.Contains(first.Words[discovery.WordCA], "BEGIN CERTIFICATE") {
		t.Fatalf("got %+v", first)
	}
	if err := errors.Join(os.MkdirAll(w.Nodes[1].Dir, 0o755), os.WriteFile(w.Nodes[1].EtcdFlags(), []byte("--joining"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if made := first.ForDocuments(w.Nodes); made.Own["core02"][discovery.WordFlags] != "--joining" || len(made.Own) != 1 || made.Words[discovery.WordCA] != first.Words[discovery.WordCA] {
		t.Errorf("got %+v", made)
	}
	before := w.file(t)
	next, err := Next(t.Context(), w.Options, w.source)
	if err != nil || next == nil || w.file(t) != before {
		t.Fatalf("got %+v, %v", next, err)
	}
	retired, err := first.Retired(w.Options)
	if err != nil || !retired.Token.Retired || first.Token.Retired || !Read(w.Dir, w.Prefix).Token.Retired {
		t.Errorf("got %+v, %v", retired.Token, err)
	}
	second, err := Begin(w.Options, *next)
	if err != nil || second.Words[discovery.WordCA] == first.Words[discovery.WordCA] || len(second.ForDocuments(w.Nodes).Own) > 0 {
		t.Errorf("got %+v, %v", second, err)
	}
	if formed, err := second.Formed(w.Options); err != nil || !formed.Token.Formed || second.Token.Formed || !Read(w.Dir, w.Prefix).Token.Formed {
		t.Errorf("got %+v, %v", formed.Token, err)
	}
	last, err := End(w.Options)
	if _, none := os.Stat(last.Authority.Dir); err != nil || last.Token != nil || !os.IsNotExist(none) || w.file(t) != "" {
		t.Errorf("got %+v, %v, %v", last, err, none)
	}
	if next, err := Next(t.Context(), w.Options, sourceOf(t, w.Options, "x")); err != nil || next != nil {
		t.Errorf("a config without etcd: got %+v, %v", next, err)
	}
}

// TestAWayThatDoesNotHelp leaves nothing.
func TestAWayThatDoesNotHelp(t *testing.T) {
	for _, c := range []struct{ way, listen, addresses, want string }{
		{"static", "", "10.0.0.1", "addresses=10.0.0.1: these are 1, for 2 nodes"},
		{"static", "", "10.0.0.1,x", `addresses=10.0.0.1,x: "x" is not an address`},
		{"embedded", "", "", "no bridge"},
		{"embedded", "here", "", "discovery_listen=here: this is not an address"},
		{"embedded", "0.0.0.0", "", "discovery_listen=0.0.0.0: this is every address of this host"},
		{"embedded", "::", "", "discovery_listen=::: this is every address of this host"},
		{"embedded", "127.0.0.1", "", "discovery_listen=127.0.0.1: on a node this is the node itself"},
		{"embedded", "::ffff:127.0.0.1", "", "discovery_listen=::ffff:127.0.0.1: on a node this is the node itself"},
		{"embedded", "224.0.0.1", "", "discovery_listen=224.0.0.1: this is a multicast address"},
		{"embedded", "fe80::1%eth0", "", "discovery_listen=fe80::1%eth0: this is an address of one link only"},
		{"http://10.0.0.1/a b", "", "", "discovery=http://10.0.0.1/a b: this is not a way of discovery: "},
		{"http://10.0.0.1/$(reboot)", "", "", "discovery=http://10.0.0.1/$(reboot): this is not a way of discovery: "},
		{"http://root:word@10.0.0.1/x", "", "", "this is not a way of discovery: "},
		{"srv:", "", "", "discovery=srv:: this is not a domain"},
		{"srv:example.org --force-new-cluster", "", "", "discovery=srv:example.org --force-new-cluster: this is not a domain"},
		{"foo", "", "", "discovery=foo: this is not a way of discovery"},
	} {
		w := newWorld(t, "Etcd_Discovery_Flags", func(o *Options) { o.Way, o.Listen, o.Addresses = c.way, c.listen, c.addresses })
		if _, err := Make(t.Context(), w.Options, w.source); err == nil || !strings.Contains(err.Error(), c.want) || w.file(t) != "" {
			t.Errorf("%+v: got %v, wrote %s", c, err, w.file(t))
		}
	}
}

func TestLater(t *testing.T) {
	for way, want := range map[string]string{
		"embedded": discovery.WordURL, "static": discovery.WordInitial, "srv:example.org": discovery.WordFlags, "https://disc:2379": discovery.WordToken,
	} {
		o := newWorld(t, "x", func(o *Options) { o.Way = way }).Options
		if words := Later(o); words[want] != want || words[discovery.WordCA] != discovery.WordCA {
			t.Errorf("%s: got %v", way, words)
		}
	}
	o := newWorld(t, "x", func(o *Options) { o.Way = "embedded" }).Options
	if err := discovery.Static([]string{"core01"}, []string{"10.0.0.1"}, false).Write(o.Dir, o.Prefix); err != nil {
		t.Fatal(err)
	}
	for _, has := range []bool{false, true} {
		if o.HasNodes = has; (Later(o)[discovery.WordInitial] != "") != has {
			t.Errorf("nodes %t: got %v", has, Later(o))
		}
	}
}

// TestOffers: each word of discovery that may have no value has a way that gives it one; what is offered gives it one.
func TestOffers(t *testing.T) {
	for word, want := range map[string]string{
		discovery.WordURL:       "discovery=embedded; discovery=embedded-v2; discovery=https://discovery.etcd.io",
		discovery.WordToken:     "discovery=embedded; discovery=https://disc1:2379,https://disc2:2379",
		discovery.WordEndpoints: "discovery=embedded; discovery=https://disc1:2379,https://disc2:2379",
		discovery.WordInitial:   "discovery=static addresses=10.0.0.11,…",
		"Node_Name":             "",
	} {
		o := newWorld(t, "x", nil).Options
		ways, recreate := Offers(o, word)
		if got := strings.Join(ways, "; "); got != want || recreate {
			t.Errorf("%s: got %s, %t, want %s", word, got, recreate, want)
		}
		for _, way := range ways {
			o.Way = strings.TrimPrefix(strings.Fields(way)[0], "discovery=")
			if Later(o)[word] == "" {
				t.Errorf("%s does not give %s a value", way, word)
			}
		}
	}
}

// A cluster keeps its token for as long as it has nodes.
func TestOffersANewCluster(t *testing.T) {
	o := newWorld(t, "x", nil).Options
	if err := discovery.Static([]string{"core01"}, []string{"10.0.0.1"}, false).Write(o.Dir, o.Prefix); err != nil {
		t.Fatal(err)
	}
	for _, has := range []bool{false, true} {
		o.HasNodes = has
		if _, recreate := Offers(o, discovery.WordToken); recreate != has {
			t.Errorf("nodes %t: got %t", has, recreate)
		}
	}
	o.All = true
	if _, recreate := Offers(o, discovery.WordToken); !recreate {
		t.Error("who said recreate=all has to say it again")
	}
}

func TestAccess(t *testing.T) {
	folder := t.TempDir()
	ca := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(ca, []byte("PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := Access{CA: ca, User: "me:secret"}
	if err := a.check(); err != nil {
		t.Error(err)
	}
	want := " --discovery-cacert=/etc/etcd/discovery/ca.pem --discovery-insecure-transport=false --discovery-user=me --discovery-password=secret"
	if got := a.flags(); got != want {
		t.Errorf("got %s", got)
	}
	if c := a.credentials(); c.CA != ca || c.User != "me" || c.Password != "secret" {
		t.Errorf("got %+v", c)
	}
	files, err := Options{Access: a}.filesOf(discovery.Token{Kind: discovery.KindV3})
	if err != nil || string(files["/etc/etcd/discovery/ca.pem"]) != "PEM" || len(files) != 1 {
		t.Errorf("got %v, %v", files, err)
	}
	if files, err := (Options{Access: a}).filesOf(discovery.Token{Kind: discovery.KindV2}); err != nil || len(files) > 0 {
		t.Errorf("only an etcd of v3 asks who it is: got %v, %v", files, err)
	}
	for _, c := range []struct {
		Access
		want string
	}{{Access{Cert: "x"}, "discovery_cert=x discovery_key="}, {Access{CA: filepath.Join(folder, "none")}, "discovery_ca=: stat "}} {
		if err := c.check(); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "\nhint: ") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// TestDocumentsHaveTheirWords: what a generation gives is what its config is rendered with.
func TestDocumentsHaveTheirWords(t *testing.T) {
	w := newWorld(t, "Etcd_Discovery_Flags", nil)
	documents, err := w.source.Render(w.made(t).ForDocuments(w.Nodes))
	if err != nil || !strings.Contains(string(documents[0].JSON), "core02%3Dhttp") && !strings.Contains(string(documents[0].JSON), "core02=http") {
		t.Errorf("got %v, %v", documents, err)
	}
	if _, err := w.source.Render(config.Made{Words: render.Words{}}); err == nil {
		t.Error("a word has no value")
	}
}
