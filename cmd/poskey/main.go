// Command poskey leads through the life of a payment terminal's keys.
package main

import (
	"os"

	"poskey/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
