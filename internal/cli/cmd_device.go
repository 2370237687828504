package cli

import (
	"github.com/spf13/cobra"

	"poskey/internal/text"
)

func newDeviceCmd(a *App) *cobra.Command {
	return a.parent("device", groupDevices, text.New("work with terminals"),
		newDeviceAddCmd(a), newDeviceListCmd(a), newDeviceRejectCmd(a),
		newDeviceStatusCmd(a), newDeviceLogsCmd(a), newDeviceLockCmd(a), newDeviceUnlockCmd(a), newDeviceRestartCmd(a), newDeviceResetCmd(a),
		newDeviceUpdateCmd(a), newDeviceEmulateCmd(a))
}
