// Package sshserver is an SSH server for tests, which needs neither root nor a package: it runs commands by a real shell, serves
// files by SFTP, and connects to ports of this host. What sshd(8) itself does is tested on real guests.
package sshserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"coreos-libvirt/internal/settings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Server is one that lets everybody in.
type Server struct {
	Home string // where commands run, and paths begin
	Env  []string
	Port string                    // of 127.0.0.1
	Cuts func(command string) bool // whether the connection is cut in place of a command; nil: never. It is set before the server is used
	conf *ssh.ServerConfig
}

// Start is a server that ends with the test. Commands get env beside this process' environment.
func Start(t testing.TB, home string, env ...string) *Server {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s := &Server{Home: home, Env: env, conf: &ssh.ServerConfig{NoClientAuth: true}}
	s.conf.AddHostKey(signer)
	_, s.Port, _ = net.SplitHostPort(listener.Addr().String())
	go s.serve(listener)
	return s
}

// Nodes puts an ssh into PATH, until the test ends, that is the system's, but connects to the servers, by the node's
// name, that of its option HostKeyAlias or of the host. It reads no configuration of the machine's.
func Nodes(t testing.TB, servers map[string]*Server) {
	t.Helper()
	system, err := exec.LookPath("ssh")
	must(t, err)
	script := "#!/bin/sh\ncase \"$*\" in\n"
	for _, named := range []string{"*HostKeyAlias=%s\\ *", "*\\ %s\\ *"} { // a command may have another's name
		for node, s := range servers {
			script += fmt.Sprintf(named+") set -- -p %s \"$@\" ;;\n", node, s.Port)
		}
	}
	script += "esac\nexec " + system + " -F none -o HostName=127.0.0.1 -o BatchMode=yes \"$@\"\n"
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "ssh"), []byte(script), 0o755))
	path, _ := settings.System().Lookup("PATH")
	t.Setenv("PATH", folder+":"+path)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Server) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go s.client(conn)
	}
}

func (s *Server) client(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, s.conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		switch asked.ChannelType() {
		case "session":
			go s.session(conn, asked)
		case "direct-tcpip":
			go connect(asked)
		default:
			_ = asked.Reject(ssh.UnknownChannelType, "a test knows no such channel")
		}
	}
}

func (s *Server) session(conn net.Conn, asked ssh.NewChannel) {
	channel, wishes, err := asked.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	for wish := range wishes {
		var word struct{ Text string }
		_ = ssh.Unmarshal(wish.Payload, &word)
		_ = wish.Reply(true, nil)
		switch {
		case wish.Type == "exec" && s.Cuts != nil && s.Cuts(word.Text):
			_ = conn.Close()
			return
		case wish.Type == "exec":
			s.exec(channel, word.Text)
			return
		case wish.Type == "subsystem" && word.Text == "sftp":
			if server, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(s.Home)); err == nil {
				_ = server.Serve()
			}
			return
		}
	}
}

func (s *Server) exec(channel ssh.Channel, command string) {
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Env = s.Home, append(os.Environ(), s.Env...)
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	in, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	go func() { // not the command's own copying, which waits for the client's end
		_, _ = io.Copy(in, channel)
		_ = in.Close()
	}()
	status, exit := 0, (*exec.ExitError)(nil)
	if err := cmd.Run(); errors.As(err, &exit) {
		status = exit.ExitCode()
	}
	_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, uint32(status)))
}

// connect is a connection to a port of this host (RFC 4254, 7.2).
func connect(asked ssh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	_ = ssh.Unmarshal(asked.ExtraData(), &to)
	conn, err := net.Dial("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		_ = asked.Reject(ssh.ConnectionFailed, strings.TrimSpace(err.Error()))
		return
	}
	defer func() { _ = conn.Close() }()
	channel, requests, err := asked.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(conn, channel)
		if half, is := conn.(*net.TCPConn); is {
			_ = half.CloseWrite()
		}
	}()
	_, _ = io.Copy(channel, conn)
}
