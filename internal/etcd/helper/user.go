package helper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/metadata"

	"coreos-libvirt/internal/etcd/wire"
	"coreos-libvirt/internal/terminal/hint"
)

// authenticate is the call that gives a user a token for a password.
const authenticate = "Authenticate"

// callOf is etcd's call that a verb makes, as its API names it (api/etcdserverpb/rpc.proto).
var callOf = map[string]string{
	wire.Add: "MemberAdd", wire.Remove: "MemberRemove", wire.Promote: "MemberPromote", wire.Lead: "MoveLeader",
	wire.Register: "Txn", wire.Backup: "Snapshot", wire.Restore: "Range or Txn",
	wire.Count: "Range", wire.Compact: "Compact", wire.Defragment: "Defragment", wire.Disarm: "Alarm",
}

// wantsUser reports whether the error is of an etcd that has users, and takes who asks for none of them, or not any more.
func wantsUser(err error) bool {
	return errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrAuthOldRevision)
}

// isRefusal reports whether etcd has refused who asks, which no patience changes.
func isRefusal(err error) bool {
	return errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrAuthFailed) || errors.Is(err, rpctypes.ErrPermissionDenied)
}

// refusal is the error of a call, in words that say what etcd has against the user; all other errors stay as they are.
func refusal(err error, call, user string) error {
	said := ""
	switch {
	case errors.Is(err, rpctypes.ErrUserEmpty):
		said = wire.WantsUser + ": it does nothing for others"
	case errors.Is(err, rpctypes.ErrAuthFailed):
		said = fmt.Sprintf("etcd refused %s to the user %q: there is none of that name and password", call, user)
	case errors.Is(err, rpctypes.ErrPermissionDenied) && user == "":
		said = fmt.Sprintf("etcd refused %s: %s with the role root", call, wire.WantsUser)
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		said = fmt.Sprintf("etcd refused %s to the user %q, who does not have the role root", call, user)
	default:
		return err
	}
	return hint.Errorf(wire.UserAdvice, "%s", said)
}

// withoutUser are the credentials of nobody in particular.
func withoutUser(c wire.Credentials) wire.Credentials {
	c.User, c.Password = "", ""
	return c
}

// tokens are what members gave for a password: they count for all members. To compare a password is so costly for etcd that it is
// not done for each question.
type tokens struct {
	mu    sync.Mutex
	token string // the latest; empty before there is one
}

// shown are the questions' context with the token.
func (t *tokens) shown(ctx context.Context) context.Context {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, rpctypes.TokenFieldNameGRPC, t.token)
}

// authenticated is how long etcd may take to compare a password: bcrypt takes long by intention, in a guest that is emulated longer.
const authenticated = 15 * time.Second

// authenticate gets a token of the first member that gives one: a learner does not, and one without a quorum cannot.
func (q questioner) authenticate(ctx context.Context, answers []answer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, authenticated)
	defer cancel()
	for _, a := range answers {
		if a.err != nil && !wantsUser(a.err) {
			continue
		}
		if err = q.authenticateAt(ctx, a.member.Endpoint); err == nil || isRefusal(err) {
			break
		}
	}
	return err
}

func (q questioner) authenticateAt(ctx context.Context, endpoint string) error {
	client, err := connect(ctx, []string{endpoint}, withoutUser(q.credentials))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	given, err := client.Authenticate(ctx, q.credentials.User, q.credentials.Password)
	switch {
	case errors.Is(err, rpctypes.ErrAuthNotEnabled): // it was a moment ago
		return nil
	case isRefusal(err):
		return err
	case err != nil:
		return fmt.Errorf("%s, and does not answer %s: it may have no quorum (%s)", wire.WantsUser, authenticate, plain(err.Error()))
	}
	q.tokens.mu.Lock()
	defer q.tokens.mu.Unlock()
	q.tokens.token = given.Token
	return nil
}

// refuse puts the error into those answers.
func refuse(answers []answer, which func(answer) bool, err error) {
	for i := range answers {
		if which(answers[i]) {
			answers[i].err = err
		}
	}
}
