// Package wire is what a run asks its etcd helper, and what that answers.
package wire

import "encoding/json"

// The verbs of requests, with the type of their arguments and of their results.
const (
	Cancel   = "cancel"   // ends the open request of the same id; that one's last answer is the only one
	Serve    = "serve"    // Service: serves discovery until it is cancelled; an answer without a result says that it serves, one with a Refused whom it does not
	Watch    = "watch"    // Patience: a Status, and another one at each change, until it is cancelled
	Look     = "look"     // Patience: one Status
	List     = "list"     // []Peer
	Add      = "add"      // PeerURL: adds a learner
	Remove   = "remove"   // MemberID
	Promote  = "promote"  // MemberID
	Lead     = "lead"     // MemberID: the one endpoint is the leader's
	Register = "register" // Token: nobody has used it yet
	Backup   = "backup"   // File: which is not there yet; Snapshot
	Restore  = "restore"  // File: Restored
	Open     = "open"     // File: Snapshot; no endpoint
	MakeDirs = "datadirs" // DataDirs; no endpoint
	Count    = "count"    // Counted

	Compact    = "compact"    // Revision
	Defragment = "defragment" // of the one endpoint
	Disarm     = "disarm"     // the alarms NOSPACE, and those of members that are no more
)

// Helper is the word by which a program that has the helper in it is started as the helper.
const Helper = "_etcd-helper"

// What members say who have users, and what helps.
const (
	WantsUser  = "etcd wants a user"
	UserAdvice = "etcd_user=@FILE, a file of mode 600 with name:password of a user who has the role root; or COREOS_ETCD_USER=name:password in the environment"
)

// How long a line may be.
const (
	MaxRequest = 1 << 20
	MaxAnswer  = 8 << 20
)

// Request asks the helper for something.
type Request struct {
	ID          int64           `json:"id"` // from 1
	Verb        string          `json:"verb"`
	Endpoints   []string        `json:"endpoints,omitempty"` // client URLs of members: http://10.77.0.101:2379
	Credentials Credentials     `json:"credentials,omitzero"`
	Args        json.RawMessage `json:"args,omitempty"`
}

// Credentials are what a client shows to etcd; all may be empty. The files are PEM.
type Credentials struct {
	CA       string `json:"ca,omitempty"`   // certificates that may have signed etcd's; empty: the system's
	Cert     string `json:"cert,omitempty"` // the client's own certificate
	Key      string `json:"key,omitempty"`  // its key
	User     string `json:"user,omitempty"`
	Password string `json:"password,omitempty"`
}

// Token is a discovery token, for a cluster of that many members.
type Token struct {
	ID   string `json:"id"`
	Size int    `json:"size"`
}

// Service is an etcd that serves discovery of one token.
type Service struct {
	Listen string   `json:"listen"` // http://10.77.0.2:23790
	Data   string   `json:"data"`   // its folder
	Token  Token    `json:"token"`
	Link   string   `json:"link,omitempty"` // the link that all nodes are on; empty: what their hardware addresses are is not known
	MACs   []string `json:"macs,omitempty"` // of the nodes: with a Link, nobody else is served
}

// Refused is somebody on the network who is not served.
type Refused struct {
	Address string `json:"address"` // 10.77.0.50
	MAC     string `json:"mac"`     // empty: it is not on the link
}

// Patience is how long one question to a member may take.
type Patience struct {
	Milliseconds int64 `json:"milliseconds"`
}

// PeerURL is where a member's peers reach it.
type PeerURL struct {
	URL string `json:"url"`
}

// MemberID is a member's id, hexadecimal.
type MemberID struct {
	ID string `json:"id"`
}

// File is an absolute path.
type File struct {
	Path string `json:"path"`
}

// Revision is of etcd's keys: one a change.
type Revision struct {
	Revision int64 `json:"revision"`
}

// Snapshot is what is in one.
type Snapshot struct {
	Hash     uint32 `json:"hash"`     // CRC-32C of its buckets, as etcdutl prints it
	Revision int64  `json:"revision"` // the latest
	Keys     int    `json:"keys"`
	Size     int64  `json:"size"` // bytes
	Leases   int    `json:"leases"`
	Users    int    `json:"users"`
	Auth     bool   `json:"auth"` // whether etcd answers to users only
}

// Counted is what etcd has.
type Counted struct {
	Revision int64 `json:"revision"` // the latest
	Keys     int64 `json:"keys"`
}

// DataDirs makes data folders of a snapshot, of which etcd starts as a cluster of these members: with all keys and their revisions,
// leases, users and roles.
type DataDirs struct {
	Snapshot string    `json:"snapshot"` // file
	Token    string    `json:"token"`    // of the new cluster: its id, and those of its members, are made of it
	Members  []DataDir `json:"members"`
}

// DataDir is one of the new cluster's member.
type DataDir struct {
	Name   string   `json:"name"`
	URLs   []string `json:"urls"`   // http://10.77.0.101:2380
	Folder string   `json:"folder"` // its --data-dir, which is not there yet
}

// Restored is what a snapshot had: its keys are in the cluster now, the rest is not.
type Restored struct {
	Keys   int `json:"keys"`
	Leases int `json:"leases"`
	Users  int `json:"users"`
}

// Status is a cluster's etcd, as its members see it.
type Status struct {
	Members []Member `json:"members"` // one an endpoint, in the endpoints' order; behind them the members that none of them is
	Peers   []Peer   `json:"peers"`   // the members as the cluster knows them; empty if no cluster answers
}

// Member is what one endpoint says of its member.
type Member struct {
	Endpoint string `json:"endpoint"`  // http://10.77.0.101:2379; empty if the member has not started
	Name     string `json:"name"`      // the member's --name; empty if it is not known
	ID       string `json:"id"`        // hexadecimal
	Leader   string `json:"leader"`    // the id of who it takes for the leader
	Version  string `json:"version"`   // 3.6.16
	DBSize   int64  `json:"db_size"`   // bytes
	Quota    int64  `json:"db_quota"`  // bytes that it may have; 0: etcd before 3.6 does not say
	Learner  bool   `json:"learner"`   // whether it has no vote yet
	Healthy  bool   `json:"healthy"`   // it answered a linearizable read; a learner: a serializable one
	Alarms   string `json:"alarms"`    // that were raised for it, with commas: NOSPACE, CORRUPT
	ReadOnly bool   `json:"read_only"` // it answers as healthy ones do, but an alarm keeps it from taking writes
	Refused  bool   `json:"refused"`   // it tells users only, and takes this host for none of them
	Error    string `json:"error"`     // why not
}

// IsLeader reports whether the member is the leader, in its own view.
func (m Member) IsLeader() bool { return m.ID != "" && m.ID == m.Leader }

// Peer is a member as its cluster knows it.
type Peer struct {
	ID      string   `json:"id"`      // hexadecimal
	Name    string   `json:"name"`    // empty until it has started
	URLs    []string `json:"urls"`    // http://10.77.0.101:2380
	Clients []string `json:"clients"` // http://10.77.0.101:2379
	Learner bool     `json:"learner"` // whether it has no vote yet
}
