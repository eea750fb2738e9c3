package service

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// v3Store is where v3 discovery keeps tokens (etcd's server/etcdserver/api/v3discovery/discovery.go).
const v3Store = "/_etcd/registry/"

// watches is how many a member may have: it has one.
const watches = 4

var errOnlyDiscovery = status.Error(codes.PermissionDenied, "this serves the discovery of etcd's members and nothing else")

// onlyDiscovery are the server's options by which nobody on the network reads or writes anything but the token's keys.
func onlyDiscovery(r *registry) []grpc.ServerOption {
	keys := keysOf(r.token.ID)
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(longestBody),
		grpc.ChainUnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			switch asked := request.(type) {
			case *pb.RangeRequest:
				if keys.hold(asked.Key, asked.RangeEnd) {
					return next(ctx, request)
				}
			case *pb.PutRequest:
				return r.put(ctx, keys, asked)
			}
			return nil, errOnlyDiscovery
		}),
		grpc.ChainStreamInterceptor(func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if info.FullMethod != "/etcdserverpb.Watch/Watch" {
				return errOnlyDiscovery
			}
			return next(server, &onlyToken{ServerStream: stream, keys: keys})
		}),
	}
}

// put registers a member. One that has started again does so with the value that is there.
func (r *registry) put(ctx context.Context, keys keys, asked *pb.PutRequest) (any, error) {
	key := string(asked.Key)
	id, inside := strings.CutPrefix(key, string(keys)+"members/")
	if !inside || !memberKey.MatchString(id) || asked.Lease != 0 || asked.PrevKv || asked.IgnoreValue || asked.IgnoreLease {
		return nil, errOnlyDiscovery
	}
	revision, same, err := r.register(ctx, key, string(asked.Value), callerOf(ctx))
	if err != nil && (!same || !errors.Is(err, errIsThere)) {
		return nil, status.Error(codes.PermissionDenied, err.Error())
	}
	return &pb.PutResponse{Header: &pb.ResponseHeader{Revision: revision}}, nil
}

// callerOf is the address of who asks; the zero one, which is nobody's, if it is not known.
func callerOf(ctx context.Context) netip.Addr {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return netip.Addr{}
	}
	return addressOf(from.Addr.String())
}

// onlyToken is a stream of questions by whoever watches the token's keys.
type onlyToken struct {
	grpc.ServerStream
	keys  keys
	count int // of watches, as yet
}

func (o *onlyToken) RecvMsg(message any) error {
	if err := o.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	request, ok := message.(*pb.WatchRequest)
	if !ok {
		return nil
	}
	if create := request.GetCreateRequest(); create != nil {
		if o.count++; o.count > watches || !o.keys.hold(create.Key, create.RangeEnd) {
			return errOnlyDiscovery
		}
	}
	return nil
}

// keys is what the token's keys begin with.
type keys string

func keysOf(token string) keys { return keys(v3Store + token + "/") }

// hold reports whether a range is of the token's keys only: it ends nowhere, or before the first key behind them.
func (k keys) hold(begin, end []byte) bool {
	prefix := string(k)
	return strings.HasPrefix(string(begin), prefix) &&
		(len(end) == 0 || string(end) > prefix && string(end) <= clientv3.GetPrefixRangeEnd(prefix))
}
