package main

import (
	"context"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// registry is where v3 discovery keeps tokens (etcd's server/etcdserver/api/v3discovery/discovery.go).
const registry = "/_etcd/registry/"

var errOnlyDiscovery = status.Error(codes.PermissionDenied, "this serves the discovery of etcd's members and nothing else")

// onlyDiscovery are the server's options by which nobody on the network reads or writes anything else.
func onlyDiscovery() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if !isDiscovery(request) {
				return nil, errOnlyDiscovery
			}
			return next(ctx, request)
		}),
		grpc.ChainStreamInterceptor(func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			if info.FullMethod != "/etcdserverpb.Watch/Watch" {
				return errOnlyDiscovery
			}
			return next(server, onlyTokens{stream})
		}),
	}
}

// onlyTokens is a stream of questions of who watches keys.
type onlyTokens struct{ grpc.ServerStream }

func (o onlyTokens) RecvMsg(message any) error {
	if err := o.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	if request, ok := message.(*pb.WatchRequest); ok {
		if create := request.GetCreateRequest(); create != nil && (!isToken(create.Key) || !endsInside(create.RangeEnd)) {
			return errOnlyDiscovery
		}
	}
	return nil
}

// isDiscovery tells whether a member asks so: it reads what its token has, and puts itself there.
func isDiscovery(request any) bool {
	switch r := request.(type) {
	case *pb.RangeRequest:
		return isToken(r.Key) && endsInside(r.RangeEnd)
	case *pb.PutRequest:
		_, key, inside := strings.Cut(strings.TrimPrefix(string(r.Key), registry), "/members/")
		return isToken(r.Key) && inside && key != ""
	}
	return false
}

func isToken(key []byte) bool { return strings.HasPrefix(string(key), registry) }

// endsInside tells whether a range that begins inside the registry ends there: none, or a key before the
// first one behind it.
func endsInside(end []byte) bool {
	return len(end) == 0 || string(end) > registry && string(end) <= clientv3.GetPrefixRangeEnd(registry)
}
