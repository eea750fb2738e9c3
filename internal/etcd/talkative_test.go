package etcd_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// talkative is a fake of a member that says more than a real one ever does.
type talkative struct {
	*pb.UnimplementedClusterServer
	*pb.UnimplementedMaintenanceServer
	says string
}

func (m talkative) MemberList(context.Context, *pb.MemberListRequest) (*pb.MemberListResponse, error) {
	return &pb.MemberListResponse{Header: &pb.ResponseHeader{}, Members: []*pb.Member{{ID: 1, Name: m.says}}}, nil
}

func (m talkative) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	return &pb.StatusResponse{Header: &pb.ResponseHeader{MemberId: 1}, Version: m.says}, nil
}

// TestAMemberThatSaysTooMuch is not believed, and costs nobody else anything.
func TestAMemberThatSaysTooMuch(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, member := grpc.NewServer(), talkative{says: strings.Repeat("x", 9<<20)}
	pb.RegisterClusterServer(server, member)
	pb.RegisterMaintenanceServer(server, member)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	helper, starts := counted(t)
	endpoints := []string{"http://" + listener.Addr().String()}
	if peers, err := helper.Peers(untilItHangs(t), endpoints); err == nil || len(err.Error()) > 1000 || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("got %d peers, %.1000v", len(peers), err)
	}
	status, err := helper.Status(untilItHangs(t), endpoints, time.Minute)
	if err != nil || len(status.Members) != 1 || status.Members[0].Healthy || !strings.Contains(status.Members[0].Error, "larger than max") {
		t.Errorf("got %.1000v, %v", status, err)
	}
	if n := len(starts()); n != 1 {
		t.Errorf("the helper was started %d times", n)
	}
}
