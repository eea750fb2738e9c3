package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const text = "0123456789abcdefghijklmnopqrstuvwxyz"

// served is a client, and the URL at which handle serves; handle is told how often it was asked before.
func served(t *testing.T, handle func(w http.ResponseWriter, r *http.Request, before int)) (*Client, string) {
	t.Helper()
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		handle(w, r, asked-1)
	}))
	t.Cleanup(server.Close)
	c := New(http.DefaultTransport)
	c.Wait, c.Stall = time.Millisecond, time.Minute
	return c, server.URL
}

// cut sends the first n bytes of the text, with an end that says that there are more.
func cut(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	_, _ = io.WriteString(w, text[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestADocumentThatIsCut(t *testing.T) {
	for name, tag := range map[string]string{"and can be gone on with": `"tag"`, "and cannot": ""} {
		t.Run(name, func(t *testing.T) {
			c, url := served(t, func(w http.ResponseWriter, r *http.Request, before int) {
				if tag != "" {
					w.Header().Set("ETag", tag)
				}
				if before == 0 {
					cut(w, 10)
				}
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
			})
			if data, err := c.Document(t.Context(), url, 100); err != nil || string(data) != text {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

func TestADocumentThatIsCutEachTime(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { cut(w, 10) })
	if data, err := c.Document(t.Context(), url, 100); err == nil {
		t.Errorf("got %q", data)
	}
}

func TestADocumentThatComesSlowly(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		for _, char := range text[:10] {
			fmt.Fprintf(w, "%c", char)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	if data, err := c.Document(t.Context(), url, 100); err != nil || string(data) != text[:10] {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestADocumentThatStalls(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	c.Stall = 300 * time.Millisecond
	if data, err := c.Document(t.Context(), url, 100); err == nil || !strings.Contains(err.Error(), "no byte for 300ms") || !Unreachable(err) {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestAReaderMayTakeItsTime(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, text) })
	c.Stall = time.Second
	file, err := c.Open(t.Context(), url, Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	time.Sleep(2 * c.Stall)
	if data, err := io.ReadAll(file); err != nil || string(data) != text {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestACutWhileWhatIsKnownComesAgain(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, before int) {
		w.Header().Set("ETag", `"tag"`)
		if before < 2 {
			cut(w, 20-10*before) // the second time before the end of what the first gave
		}
		_, _ = io.WriteString(w, text)
	})
	file, err := c.Open(t.Context(), url, Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if data, err := io.ReadAll(file); err != nil || string(data) != text {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestTheRestOfAnotherFile has servers that answer with a range of a file that is not the one that was begun.
func TestTheRestOfAnotherFile(t *testing.T) {
	for name, c := range map[string]struct {
		tag, span string
		want      error
	}{
		"the same":      {`"tag"`, "bytes 10-35/36", nil},
		"no tag":        {"", "bytes 10-35/36", nil},
		"another tag":   {`"other"`, "bytes 10-35/36", ErrChanged},
		"another size":  {`"tag"`, "bytes 10-35/40", ErrChanged},
		"no such range": {`"tag"`, "", ErrChanged},
	} {
		client, url := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
			if c.tag != "" {
				w.Header().Set("ETag", c.tag)
			}
			if c.span == "" {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			w.Header().Set("Content-Range", c.span)
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, text[10:])
		})
		file, err := client.Open(t.Context(), url, Position{Offset: 10, Validator: `"tag"`, Size: 36})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v", name, err)
		}
		if err == nil {
			if data, err := io.ReadAll(file); err != nil || string(data) != text[10:] {
				t.Errorf("%s: got %q, %v", name, data, err)
			}
		}
		file.Close()
	}
}

func TestUnreachable(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		code := http.StatusOK
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &code)
		w.WriteHeader(code)
		_, _ = w.Write(bytes.Repeat([]byte{' '}, 200))
	})
	c.Tries = 0
	for path, want := range map[string]bool{"/503": true, "/404": false, "/200": false} {
		if _, err := c.Document(t.Context(), url+path, 100); err == nil || Unreachable(err) != want {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if _, err := c.Document(t.Context(), "http://127.0.0.1:1/", 100); !Unreachable(err) {
		t.Errorf("nobody listens: got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Document(ctx, url, 100); err == nil || Unreachable(err) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestErrorsTellNoSecrets(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusForbidden) })
	c.Tries = 0
	for _, address := range []string{url, "http://127.0.0.1:1", "http://127.0.0.1:bad"} {
		address = strings.Replace(address, "http://", "http://user:geheim@", 1) + "/x?token=geheim"
		_, err := c.Document(t.Context(), address, 100)
		if err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("got %v", err)
		}
	}
}

// TestAnEndBeforeWhatIsKnown is a server that knows neither ranges nor the file's size.
func TestAnEndBeforeWhatIsKnown(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, _ *http.Request, before int) {
		w.Header().Set("ETag", `"tag"`)
		_ = http.NewResponseController(w).Flush() // which leaves no length
		_, _ = io.WriteString(w, text[:min(len(text), 10*before)])
	})
	file, err := c.Open(t.Context(), url, Position{Offset: 15, Validator: `"tag"`, Size: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if data, err := io.ReadAll(file); err != nil || string(data) != text[15:20] {
		t.Errorf("got %q, %v", data, err)
	}
}

// A server that sends a byte now and then does not keep a run for ever.
func TestADocumentThatNeverEnds(t *testing.T) {
	c, url := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	})
	c.Whole = 50 * time.Millisecond
	if data, err := c.Document(t.Context(), url, 1<<30); err == nil || !strings.Contains(err.Error(), "it has not come whole within 50ms\nhint: ") {
		t.Errorf("got %d bytes, %v", len(data), err)
	}
}
