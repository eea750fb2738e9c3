package helper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
)

// between two rounds of questions.
const between = 500 * time.Millisecond

// watch tells the members' status, and again at each change, until it is cancelled.
func watch(ctx context.Context, r wire.Request, tell func(any) error) (any, error) {
	q, err := questionerOf(r)
	if err != nil {
		return nil, err
	}
	for last := (*wire.Status)(nil); ; {
		status, err := q.survey(ctx, r.Endpoints)
		if err != nil {
			return nil, err
		}
		if last == nil || !reflect.DeepEqual(status, *last) {
			if err := tell(status); err != nil {
				return nil, err
			}
		}
		last = &status
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(between):
		}
	}
}

// look is the members' status, once. One that has not heard yet of a change may tell of other members than the rest: it is
// asked again.
func look(ctx context.Context, r wire.Request, _ func(any) error) (any, error) {
	q, err := questionerOf(r)
	if err != nil {
		return nil, err
	}
	for again := 1; ; again++ {
		status, err := q.survey(ctx, r.Endpoints)
		if err != nil || again == tries || !slices.ContainsFunc(status.Members, func(m wire.Member) bool { return m.Error == disagrees }) {
			return status, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(between):
		}
	}
}

// tries is how often members are asked that do not agree.
const tries = 4

// list is the members as the healthy ones know them.
func list(ctx context.Context, r wire.Request, _ func(any) error) (any, error) {
	client, err := connect(ctx, r.Endpoints, withoutUser(r.Credentials)) // if that can be done at all
	if err := errors.Join(argsOf(r, &none{}), err); err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	q := questioner{credentials: r.Credentials, patience: eachListed, tokens: &tokens{}}
	var said []wire.Member // in the last round that no limit cut short
	for {
		members, peers := q.askEach(ctx, r.Endpoints)
		healthy := func(m wire.Member) bool { return m.Healthy }
		if slices.ContainsFunc(members, healthy) && len(peers) > 0 {
			return peers, nil
		}
		if slices.ContainsFunc(members, func(m wire.Member) bool { return m.Refused }) { // no patience changes that
			return nil, notListed(members)
		}
		if ctx.Err() == nil || said == nil {
			said = members
		}
		select {
		case <-ctx.Done():
			return nil, notListed(said)
		case <-time.After(between):
		}
	}
}

// eachListed is how long one member may take to list the others.
const eachListed = 5 * time.Second

func notListed(members []wire.Member) error {
	err := errors.New("no healthy member names the others")
	for _, m := range members {
		if m.Error != "" {
			err = fmt.Errorf("%w\n    %s: %s", err, m.Endpoint, m.Error)
		}
	}
	if slices.ContainsFunc(members, func(m wire.Member) bool { return m.Refused }) {
		return hint.Errorf(wire.UserAdvice, "%w", err)
	}
	return err
}

// questioner is how members are asked.
type questioner struct {
	credentials wire.Credentials
	patience    time.Duration // with each
	tokens      *tokens       // that members gave for the user's password
}

func questionerOf(r wire.Request) (q questioner, err error) {
	var each wire.Patience
	err = argsOf(r, &each)
	return questioner{r.Credentials, time.Duration(each.Milliseconds) * time.Millisecond, &tokens{}}, err
}

// survey asks all endpoints at once, and then the members that none of them is.
func (q questioner) survey(ctx context.Context, endpoints []string) (wire.Status, error) {
	status := q.ask(ctx, endpoints)
	return status, ctx.Err() // what is told after that is of no use
}

// ask asks all endpoints at once, and then the members that none of them is.
func (q questioner) ask(ctx context.Context, endpoints []string) wire.Status {
	members, peers := q.askEach(ctx, endpoints)
	status := wire.Status{Members: members, Peers: peers}
	for i, m := range members { // one that does not answer is known by its address
		for _, peer := range peers {
			if m.ID == peer.ID || m.ID == "" && slices.Contains(peer.Clients, m.Endpoint) {
				members[i].ID, members[i].Name, members[i].Learner = peer.ID, peer.Name, peer.Learner
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(peers), func(peer wire.Peer) bool {
		return slices.ContainsFunc(members, func(m wire.Member) bool { return m.ID == peer.ID })
	})
	status.Members = append(status.Members, q.askOthers(ctx, others, endpoints)...)
	return status
}

// askOthers asks members at their own client URLs, if they have any yet. Where those are is for them to say, so this host is
// not sent to itself by one who is not on it.
func (q questioner) askOthers(ctx context.Context, others []wire.Peer, asked []string) (members []wire.Member) {
	urls := []string{}
	for _, peer := range others {
		if url := ownURL(peer, asked); url != "" {
			urls = append(urls, url)
		}
	}
	q.credentials = withoutUser(q.credentials) // the password is for nodes' members only: whoever these are, the token is theirs anyway
	told, _ := q.askEach(ctx, urls)
	for _, peer := range others {
		member := wire.Member{Error: "it has not started"}
		if ownURL(peer, asked) != "" {
			member, told = told[0], told[1:]
		} else if len(peer.Clients) > 0 {
			member.Error = "no client reaches it at the address that it names"
		}
		member.ID, member.Name, member.Learner = peer.ID, peer.Name, peer.Learner
		members = append(members, member)
	}
	return members
}

// ownURL is the first of a member's client URLs, if it is one at which a guest can be: this host and its link are so only if
// others were asked there.
func ownURL(peer wire.Peer, asked []string) string {
	if len(peer.Clients) == 0 {
		return ""
	}
	is := func(url string, kind func(netip.Addr) bool) bool {
		u, err := wire.ParseURL(url)
		return err == nil && kind(u.Addr())
	}
	for _, kind := range []func(netip.Addr) bool{netip.Addr.IsLoopback, netip.Addr.IsLinkLocalUnicast} {
		if is(peer.Clients[0], kind) && !slices.ContainsFunc(asked, func(url string) bool { return is(url, kind) }) {
			return ""
		}
	}
	if !is(peer.Clients[0], netip.Addr.IsValid) {
		return ""
	}
	return peer.Clients[0]
}

// answer is what one endpoint says of its member, and of the others.
type answer struct {
	member wire.Member
	peers  []wire.Peer
	err    error
}

// askEach asks all endpoints at once. The peers are as most of those tell that have a quorum behind them, or else
// as any does. Those who want a user are asked again by one.
func (q questioner) askEach(ctx context.Context, endpoints []string) ([]wire.Member, []wire.Peer) {
	answers := make([]answer, len(endpoints))
	q.askAtOnce(ctx, answers, endpoints, func(answer) bool { return true })
	wants := func(a answer) bool { return wantsUser(a.err) }
	if q.credentials.User != "" && slices.ContainsFunc(answers, wants) {
		if err := q.authenticate(ctx, answers); err == nil {
			q.askAtOnce(ctx, answers, endpoints, wants)
		} else {
			refuse(answers, wants, err)
		}
	}
	members, told := []wire.Member{}, [][]wire.Peer{}
	for _, a := range answers {
		members, told = append(members, a.said(q.credentials.User)), append(told, a.peers)
	}
	return members, agreed(members, told)
}

// askAtOnce asks the endpoints whose last answer is one of these.
func (q questioner) askAtOnce(ctx context.Context, answers []answer, endpoints []string, again func(answer) bool) {
	ctx = q.tokens.shown(ctx)
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		if again(answers[i]) {
			all.Go(func() {
				a := answer{member: wire.Member{Endpoint: endpoint}}
				a.peers, a.err = q.describe(ctx, &a.member)
				answers[i] = a
			})
		}
	}
	all.Wait()
}

// said is the member, with what is wrong with it.
func (a answer) said(user string) wire.Member {
	if a.err != nil {
		a.member.Refused = isRefusal(a.err)
		a.member.Error = plain(hint.FirstLine(refusal(a.err, authenticate, user)))
	}
	return a.member
}

// disagrees is what is wrong with a member that knows other members than most do.
const disagrees = "it names other members than the others do"

// agreed are the peers as more than half of the healthy members tell them. A member that tells of others is not healthy: what
// it says is not believed. Without a healthy one they are as the first member tells them.
func agreed(members []wire.Member, told [][]wire.Peer) []wire.Peer {
	any, most, tell, votes := []wire.Peer(nil), "", 0, map[string]int{}
	for i, peers := range told {
		if len(any) == 0 {
			any = peers
		}
		if members[i].Healthy && len(peers) > 0 {
			tell++
			if votes[wire.Digest(peers)]++; votes[wire.Digest(peers)] > votes[most] {
				most = wire.Digest(peers)
			}
		}
	}
	if tell == 0 {
		return any
	}
	var peers []wire.Peer
	for i := range told {
		switch {
		case !members[i].Healthy || len(told[i]) == 0:
		case 2*votes[most] > tell && wire.Digest(told[i]) == most:
			peers = told[i]
		default:
			members[i].Healthy, members[i].Error = false, disagrees
		}
	}
	return peers
}

// describe fills in what the member at the endpoint tells of itself, and gives what it tells of the others.
func (q questioner) describe(ctx context.Context, m *wire.Member) ([]wire.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, q.patience)
	defer cancel()
	if err := listens(ctx, m.Endpoint); err != nil {
		return nil, err
	}
	client, err := connect(ctx, []string{m.Endpoint}, withoutUser(q.credentials))
	if err != nil {
		return nil, err
	}
	defer func() { _ = client.Close() }()
	state, err := client.Status(ctx, m.Endpoint)
	if err != nil {
		return nil, err
	}
	m.ID, m.Learner = fmt.Sprintf("%x", state.Header.MemberId), state.IsLearner
	m.Leader, m.Version, m.DBSize = fmt.Sprintf("%x", state.Leader), state.Version, state.DbSize
	m.Quota = state.DbSizeQuota
	if state.IsLearner { // which answers little else
		_, err := client.Get(ctx, "health", clientv3.WithSerializable())
		m.Healthy = allowed(err) && state.Leader != 0
		if allowed(err) {
			err = nil
		}
		return nil, err
	}
	peers, err := members(ctx, client) // they are known without a quorum, too
	if err != nil {
		return nil, err
	}
	// a linearizable read needs a quorum: etcdctl's endpoint health does the same
	if _, err := client.Get(ctx, "health"); !allowed(err) {
		return peers, err
	}
	if err := m.Raised(wire.AlarmsIn(state.Errors), state.Header.MemberId, peers); err != nil {
		return peers, err
	}
	if state, err = client.Status(ctx, m.Endpoint); err != nil { // another may lead since
		return peers, err
	}
	m.Healthy, m.Leader = true, fmt.Sprintf("%x", state.Leader)
	return members(ctx, client)
}

// listens is an error at once where nobody does: etcd's client would try again until ctx ends, and not say why.
func listens(ctx context.Context, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	return conn.Close()
}

// allowed reports whether the question was answered: that the user may not read the key is an answer, too.
func allowed(err error) bool { return err == nil || errors.Is(err, rpctypes.ErrPermissionDenied) }

// members are those that the member asked knows of.
func members(ctx context.Context, client *clientv3.Client) ([]wire.Peer, error) {
	answer, err := client.MemberList(ctx, clientv3.WithSerializable())
	if err != nil {
		return nil, err
	}
	return peersOf(answer.Members), nil
}

// plain is the part of a gRPC error that says something.
func plain(text string) string {
	if _, after, ok := strings.Cut(text, "desc = "); ok {
		text = after
	}
	return strings.Trim(strings.TrimPrefix(text, "connection error: desc = "), `"`)
}
