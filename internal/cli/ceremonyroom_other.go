//go:build !(linux || darwin || freebsd)

package cli

import "errors"

const openPatiently = 0

func diskFree(string) (uint64, error) { return 0, errors.ErrUnsupported }

func swapsOn() []string { return nil }
