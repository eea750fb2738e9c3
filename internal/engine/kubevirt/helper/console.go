package main

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// plain is the protocol of KubeVirt's consoles: bytes (kubevirt.io/client-go, kubecli/streamer).
const plain = "plain.kubevirt.io"

// console joins a machine's serial console with what is typed, until one of both ends. each gets what the guest writes.
func (a *api) console(ctx context.Context, machine string, typed <-chan []byte, each func([]byte)) error {
	u := a.server.JoinPath(subresources, "namespaces", a.namespace, "virtualmachineinstances", machine, "console")
	socket, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: a.upgrades, Subprotocols: []string{plain}})
	if err != nil {
		return refusedConsole(ctx, response, err)
	}
	defer func() { _ = socket.CloseNow() }()
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer end()
		for {
			select {
			case text := <-typed:
				if socket.Write(ctx, websocket.MessageBinary, text) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		_, text, err := socket.Read(ctx)
		if err != nil {
			return endOf(ctx, err)
		}
		each(text)
	}
}

// refusedConsole is what the server says instead of a console.
func refusedConsole(ctx context.Context, response *http.Response, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if response == nil || response.Body == nil || response.StatusCode < 300 {
		return &failure{Reason: "Unreachable", Message: err.Error()}
	}
	return statusOf(response)
}

// endOf is why a console ended: that the guest did is not an error.
func endOf(ctx context.Context, err error) error {
	var closed websocket.CloseError
	if ctx.Err() == nil && (errors.As(err, &closed) || errors.Is(err, io.EOF)) {
		return nil
	}
	return err
}
