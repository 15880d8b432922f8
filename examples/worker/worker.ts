// A module worker of a page: new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }).
import { serve } from "./serve.ts";

addEventListener("message", ({ data: port }: MessageEvent<MessagePort>) => serve(port));
