//go:build !linux

package app

import "github.com/gantry-ai/gantry/internal/config"

// EaseTimers does nothing: only Linux can be told how late timers may be.
func EaseTimers(config.Config) {}
