import { it } from "vitest";
import { launchChromium, openPanel, goTo } from "./panel.ts";
it("shots", async () => {
  const browser = await launchChromium();
  const panel = await openPanel(browser, { hash: "#/settings", locale: "zh-CN", colorScheme: "dark", viewport: { width: 390, height: 860 } });
  await panel.page.getByRole("combobox", { name: "发送方式" }).waitFor();
  await panel.page.screenshot({ path: "/tmp/l2-settings.png", fullPage: true });
  await goTo(panel.page, "#/router");
  await panel.page.getByRole("button", { name: "更改 KCP" }).click();
  await panel.page.getByText("证书文件").waitFor();
  await panel.page.screenshot({ path: "/tmp/l2-router.png", fullPage: true });
  await panel.close();
  await browser.close();
}, 60000);
