package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/program"
	"coreos-libvirt/internal/program/helper"
	"coreos-libvirt/internal/program/line"
	"coreos-libvirt/internal/terminal/printable"
)

// Values that the helper gets, or gives.
type (
	// Credentials are what a client shows to etcd.
	Credentials = wire.Credentials
	// Service is an etcd that serves discovery of one token.
	Service = wire.Service
	// Snapshot is what is in one.
	Snapshot = wire.Snapshot
	// DataDir is that of a member of a cluster that is made of a snapshot.
	DataDir = wire.DataDir
	// Restored is what a snapshot had.
	Restored = wire.Restored
	// Member is what one endpoint says of its member.
	Member = wire.Member
	// Peer is a member as its cluster knows it.
	Peer = wire.Peer
)

// Helper is the program that carries etcd's modules. One process of it answers all questions of a run: the first one starts it,
// and it ends with the run, however that ends. Copies share the process.
type Helper struct {
	running     *helper.Helper
	credentials Credentials
	login       Login         // of members that have users; nil: nobody
	toMembers   bool          // whether the questions are to members
	Patience    time.Duration // that each member gets for an answer at least, whoever asks: for a machine that is busy
}

// Login is a user of etcd's, and the password, as they are when they are needed. Both are empty for nobody.
type Login func() (user, password string, err error)

// NewHelper is the helper of the module, to be built into the folder bin.
func NewHelper(module, bin string) Helper {
	kind := kind
	kind.Program.Folder, kind.Program.Bin = module, bin
	return Helper{running: helper.New(kind)}
}

// itself is the program of this process, wherever it is by now (proc(5)).
const itself = "/proc/self/exe"

// Within is the helper that is a part of this process' own program, which starts it by the word wire.Helper.
func Within() Helper {
	kind := kind
	kind.Path, kind.Args = itself, []string{wire.Helper}
	return Helper{running: helper.New(kind)}
}

// kind is all that is the same of both.
var kind = helper.Kind{
	Program: program.Program{
		Name: "etcd helper", Prefix: "etcd-helper-", Lock: ".lock", Module: "coreos-libvirt", Package: "internal/etcd/helper/program",
	},
	MaxRequest: wire.MaxRequest, MaxAnswer: wire.MaxAnswer, TooLong: "a member says too much to be true: `mage etcd` shows which members there are",
	Cancel: func(id int64) any { return wire.Request{ID: id, Verb: wire.Cancel} },
	Failed: func(said json.RawMessage) error {
		text := ""
		if err := line.Decode(said, &text); err != nil {
			return err
		}
		return errors.New(printable.Text(text))
	},
}

// With is a helper that shows the credentials.
func (h Helper) With(c Credentials) Helper {
	h.credentials, h.toMembers = c, false
	return h
}

// As is a helper that logs in to the cluster's members.
func (h Helper) As(login Login) Helper {
	h.login = login
	return h
}

// ToMembers is a helper that asks the cluster's members: it shows the credentials, and logs in.
func (h Helper) ToMembers(c Credentials) Helper {
	h = h.With(c)
	h.toMembers = true
	return h
}

// CheckLogin is an error if there is no user and password where the settings say that one is.
func (h Helper) CheckLogin() error {
	_, err := h.ToMembers(Credentials{}).shown()
	return err
}

// shown are the credentials, with those of the user if it is members that are asked.
func (h Helper) shown() (c Credentials, err error) {
	c = h.credentials
	if h.toMembers && h.login != nil {
		c.User, c.Password, err = h.login()
	}
	return c, err
}

// Build makes the program, unless one of the same sources is there. The first time takes a minute.
func (h Helper) Build(ctx context.Context, say func(format string, args ...any)) (path string, err error) {
	return h.running.Build(ctx, say)
}

// Built reports whether the program is there, so that a question takes no longer than the members' answers.
func (h Helper) Built() bool { return h.running.Built() }

// Close ends the process, if there is one. No other is started.
func (h Helper) Close() { h.running.Close() }

// ask makes a request. Each answer's result goes to each, until the last one.
func (h Helper) ask(ctx context.Context, verb string, endpoints []string, args any, each func(json.RawMessage) error) error {
	shown, err := h.shown()
	if err != nil {
		return err
	}
	request := wire.Request{Verb: verb, Endpoints: endpoints, Credentials: shown}
	if args != nil {
		text, err := json.Marshal(args)
		if err != nil {
			return err
		}
		request.Args = text
	}
	return h.running.Ask(ctx, func(id int64) any { request.ID = id; return request }, each)
}
