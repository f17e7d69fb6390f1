// A browser starts no worker from a file of the disk: there the search runs in a frame of the page.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(script) {
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html>";
      this.ready = new Promise(resolve => {
        frame.addEventListener("load", () => {
          const inside = frame.contentWindow;
          inside.postMessage = data => this.deliver(this, data);
          const element = frame.contentDocument.createElement("script");
          element.src = new URL(script, location);
          element.onload = () => resolve(inside);
          element.onerror = () => this.onerror?.(new Event("error"));
          frame.contentDocument.head.append(element);
        }, { once: true });
      });
      document.documentElement.append(frame);
      this.frame = frame;
    }

    postMessage(data) {
      this.ready.then(inside => this.deliver(inside, data));
    }

    // As between threads: a copy, and not while the sender is still at work.
    deliver(receiver, data) {
      const copy = structuredClone(data);
      setTimeout(() => receiver.onmessage?.({ data: copy }));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
