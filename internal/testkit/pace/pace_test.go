package pace

import (
	"testing"
	"time"
)

func TestLimitsAreMultiplesOfABoot(t *testing.T) {
	was := Boot
	defer func() { Boot = was }()
	Boot = func() time.Duration { return 10 * time.Second }
	if got := Limit(1.5); got != 15*time.Second {
		t.Errorf("got %s", got)
	}
	if got := Setting("timeout", 9); got != "timeout=90s" {
		t.Errorf("got %s", got)
	}
}
