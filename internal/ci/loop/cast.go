package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// cast is a recording: https://docs.asciinema.org/manual/asciicast/v2/
type cast struct {
	Version int `json:"version"`
	Width   int `json:"width"`
	Height  int `json:"height"`
	events  []event
}

// event is what a program printed.
type event struct {
	at   time.Duration // since the recording began
	text string
}

// Limits of a recording.
const (
	widest, highest = 200, 60
	longestLine     = 1 << 20
)

// read reads a recording. What was typed is left out: what of it is to be seen the terminal has printed.
func read(in io.Reader) (c cast, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		if n == 1 {
			err = c.head(lines.Bytes())
		} else if len(lines.Bytes()) > 0 {
			err = c.add(lines.Bytes())
		}
		if err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err = lines.Err(); err == nil && len(c.events) == 0 {
		err = errors.New("this recording is empty")
	}
	return c, err
}

func (c *cast) head(line []byte) error {
	if err := json.Unmarshal(line, c); err != nil {
		return err
	}
	if c.Version != 2 || c.Width < 1 || c.Width > widest || c.Height < 1 || c.Height > highest {
		return fmt.Errorf("want asciicast 2 of at most %d×%d, got version %d of %d×%d", widest, highest, c.Version, c.Width, c.Height)
	}
	return nil
}

func (c *cast) add(line []byte) error {
	var parts []json.RawMessage
	var seconds float64
	var kind, text string
	err := json.Unmarshal(line, &parts)
	if err == nil && len(parts) != 3 {
		err = errors.New("an event has three parts")
	}
	if err == nil {
		err = errors.Join(json.Unmarshal(parts[0], &seconds), json.Unmarshal(parts[1], &kind), json.Unmarshal(parts[2], &text))
	}
	if err == nil && kind == "o" {
		c.events = append(c.events, event{time.Duration(seconds * float64(time.Second)), text})
	}
	return err
}
