/** The version of this build. */
import packageFile from "../package.json" with { type: "json" };

/** As in package.json. */
export const version: string = packageFile.version;
