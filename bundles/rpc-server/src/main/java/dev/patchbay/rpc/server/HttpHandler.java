// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.rpc.RpcSession;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** JSON-RPC over HTTP: POST, with checks of host, origin, type and size. */
final class HttpHandler extends Handler.Abstract {
  private static final String JSON = "application/json";
  private static final String INVALID_HOST = "invalid host specified";
  private static final Pattern IP_LITERAL = Pattern.compile("[0-9.]+|\\[[0-9a-fA-F:.]+\\]");

  /**
   * A body of up to this many times the allowed size is read and thrown away before it is refused:
   * a client that still sends when the connection is closed sees a reset, and not the answer.
   */
  private static final long DISCARDED = 4;

  private final Dispatcher dispatcher;
  private final Terms terms;
  private final List<String> hosts;
  private final List<String> origins;
  private final @Nullable JwtAuthentication authentication;

  /** Whether each connection ends with its next response. */
  private volatile boolean finishing;

  /**
   * Creates a handler.
   *
   * @param hosts names that requests may be for, in lower case; {@code *} for all
   * @param origins origins of pages that may read responses, in lower case; {@code *} for all
   * @param authentication checks tokens; null when none are asked for
   */
  HttpHandler(
      Dispatcher dispatcher,
      Terms terms,
      List<String> hosts,
      List<String> origins,
      @Nullable JwtAuthentication authentication) {
    this.dispatcher = dispatcher;
    this.terms = terms;
    this.hosts = hosts;
    this.origins = origins;
    this.authentication = authentication;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    if (!acceptsHost(request)) {
      return refuse(response, callback, HttpStatus.FORBIDDEN_403, INVALID_HOST);
    }
    String origin = request.getHeaders().get(HttpHeader.ORIGIN);
    if (origin != null && acceptsOrigin(origin)) {
      response
          .getHeaders()
          .put(HttpHeader.ACCESS_CONTROL_ALLOW_ORIGIN, origins.contains("*") ? "*" : origin);
      response.getHeaders().put(HttpHeader.VARY, "Origin");
    }
    String method = request.getMethod();
    if (HttpMethod.OPTIONS.is(method)) {
      return preflight(response, callback);
    }
    if (HttpMethod.GET.is(method) || HttpMethod.HEAD.is(method)) {
      return refuse(response, callback, HttpStatus.OK_200, "");
    }
    if (!HttpMethod.POST.is(method)) {
      return refuse(response, callback, HttpStatus.METHOD_NOT_ALLOWED_405, "method not allowed");
    }
    String refusal = unauthorized(request);
    if (refusal != null) {
      return refuse(response, callback, HttpStatus.UNAUTHORIZED_401, refusal);
    }
    String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
    if (type == null || !type.toLowerCase(Locale.ROOT).startsWith(JSON)) {
      return refuse(
          response,
          callback,
          HttpStatus.UNSUPPORTED_MEDIA_TYPE_415,
          "invalid content type, only application/json is supported");
    }
    if (request.getLength() > terms.limits().bodyBytes() * DISCARDED) {
      return refuseSize(response, callback);
    }
    if (request.getLength() > terms.limits().bodyBytes()) {
      Content.Source.consumeAll(
          request, Callback.from(() -> refuseSize(response, callback), callback::failed));
      return true;
    }
    // no thread waits for a body: slow clients cost a connection each, and no more
    MemoryBudget.Account memory = dispatcher.memory().open();
    Request.addCompletionListener(request, failure -> memory.close());
    BodyReader.Outcome outcome =
        new BodyReader.Outcome() {
          @Override
          public void read(byte[] body) {
            answer(body, request, response, callback, memory);
          }

          @Override
          public void tooLong() {
            refuseSize(response, callback);
          }

          @Override
          public void noMemory() {
            response.getHeaders().put(HttpHeader.CONNECTION, "close");
            response.getHeaders().put(HttpHeader.CONTENT_TYPE, JSON);
            response.write(
                true, ByteBuffer.wrap(dispatcher.noMemory(terms).toByteArray()), callback);
          }

          @Override
          public void failed(Throwable failure) {
            callback.failed(failure);
          }
        };
    new BodyReader(request, terms.limits().bodyBytes(), memory, outcome).run();
    return true;
  }

  /** Ends each connection with its next response. */
  void finish() {
    finishing = true;
  }

  /** Answers a message; meanwhile the connection does not idle. */
  private void answer(
      byte[] body,
      Request request,
      Response response,
      Callback callback,
      MemoryBudget.Account memory) {
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, JSON);
    if (isHttp2(request)) {
      // a stream that idles during the call would fail to be read, and be reset when it idles again
      request.addHttpStreamWrapper(
          stream -> {
            stream.setIdleTimeout(0);
            return stream;
          });
    }
    RpcSession session = new HttpSession(terms.limits().logs(), client(request), gone(request));
    HttpReply reply = new HttpReply(request, response, callback, memory);
    dispatcher.answer(body, terms, session, new Exchange(reply::open, memory), reply);
  }

  /** Sends the outcome of a message. */
  private final class HttpReply implements Reply {
    private final Request request;
    private final Response response;
    private final Callback callback;
    private final @Nullable WatchedEndPoint connection;
    private final Connections.@Nullable Transfer transfer;
    private final MemoryBudget.Account memory;
    private @Nullable OutputStream opened;

    HttpReply(Request request, Response response, Callback callback, MemoryBudget.Account memory) {
      this.memory = memory;
      this.request = request;
      this.response = response;
      this.callback = callback;
      connection = WatchedEndPoint.of(request);
      transfer = ConnectionHandler.transfer(request);
      if (connection != null) {
        connection.entry().hold();
      }
      if (transfer != null) {
        transfer.end(); // the body is read
      }
    }

    OutputStream open() {
      if (transfer != null) {
        transfer.begin(terms.time()); // a slow reader keeps a place among the expensive calls
      }
      endConnection();
      OutputStream stream = Content.Sink.asOutputStream(response);
      opened = stream;
      return stream;
    }

    @Override
    public void answered(@Nullable Answer answer) {
      int length = answer == null ? 0 : answer.length();
      memory.shrinkTo(length); // it is read by the client
      release(length);
      try {
        OutputStream stream = opened;
        if (stream != null) {
          stream.close();
          callback.succeeded();
        } else {
          endConnection();
          send(answer);
        }
      } catch (Throwable failure) { // also an Error: the client must not wait without end
        callback.failed(failure);
      }
    }

    private void send(@Nullable Answer answer) {
      if (answer == null) {
        response.write(true, ByteBuffer.allocate(0), callback);
        return;
      }
      List<ByteBuffer> buffers = answer.buffers();
      if (buffers.size() == 1) {
        response.write(true, buffers.get(0), callback);
      } else {
        response.getHeaders().put(HttpHeader.CONTENT_LENGTH, answer.length());
        Content.Source source = Content.Source.from(buffers.toArray(ByteBuffer[]::new));
        Content.copy(source, response, callback);
      }
    }

    @Override
    public void failed(Throwable failure) {
      release(0);
      callback.failed(failure);
    }

    private void endConnection() {
      // HTTP/2 has no such header; its connections end when the server stops
      if (finishing && !isHttp2(request)) {
        response.getHeaders().put(HttpHeader.CONNECTION, "close");
      }
    }

    private void release(long bytes) {
      if (connection != null) {
        connection.entry().release(bytes);
      }
      if (transfer != null) {
        transfer.begin(bytes);
      }
    }
  }

  /** Returns the client of a request. */
  static Object client(Request request) {
    return Connections.client(request.getConnectionMetaData().getRemoteSocketAddress());
  }

  /** Returns what knows whether the client of a request has gone, while it is answered. */
  private static BooleanSupplier gone(Request request) {
    if (isHttp2(request)) {
      // a stream that was reset fails to be read; told of it one is only after the answer
      return () -> Content.Chunk.isFailure(request.read());
    }
    WatchedEndPoint connection = WatchedEndPoint.of(request);
    return connection == null ? () -> false : connection::isClosed;
  }

  private static boolean isHttp2(Request request) {
    return request.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2;
  }

  private boolean refuseSize(Response response, Callback callback) {
    response.getHeaders().put(HttpHeader.CONNECTION, "close");
    return refuse(
        response,
        callback,
        HttpStatus.PAYLOAD_TOO_LARGE_413,
        "request too large: at most " + terms.limits().bodyBytes() + " bytes");
  }

  private boolean preflight(Response response, Callback callback) {
    if (response.getHeaders().contains(HttpHeader.ACCESS_CONTROL_ALLOW_ORIGIN)) {
      response.getHeaders().put(HttpHeader.ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS");
      response.getHeaders().put(HttpHeader.ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type");
      response.getHeaders().put(HttpHeader.ACCESS_CONTROL_MAX_AGE, "600");
    }
    return refuse(response, callback, HttpStatus.OK_200, "");
  }

  /** Sends a response with a short text, and returns true. */
  static boolean refuse(Response response, Callback callback, int status, String text) {
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain");
    Content.Sink.write(response, true, text + (text.isEmpty() ? "" : "\n"), callback);
    return true;
  }

  /**
   * Answers a request for a WebSocket that is refused, and returns whether it is. A browser names
   * the origin of the page, which must be allowed.
   */
  boolean refusesUpgrade(Request request, Response response, Callback callback) {
    if (!acceptsHost(request)) {
      return refuse(response, callback, HttpStatus.FORBIDDEN_403, INVALID_HOST);
    }
    String origin = request.getHeaders().get(HttpHeader.ORIGIN);
    if (origin != null && !acceptsOrigin(origin)) {
      return refuse(response, callback, HttpStatus.FORBIDDEN_403, "origin not allowed");
    }
    String refusal = unauthorized(request);
    return refusal != null && refuse(response, callback, HttpStatus.UNAUTHORIZED_401, refusal);
  }

  private @Nullable String unauthorized(Request request) {
    return authentication == null
        ? null
        : authentication.refusal(request.getHeaders().get(HttpHeader.AUTHORIZATION));
  }

  private boolean acceptsOrigin(String origin) {
    return origins.contains("*") || origins.contains(origin.toLowerCase(Locale.ROOT));
  }

  /**
   * A name that resolves to this machine may come from a page that was rebound by DNS; an IP
   * address cannot.
   */
  private boolean acceptsHost(Request request) {
    String host = Request.getServerName(request);
    if (host == null || hosts.contains("*")) {
      return true;
    }
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost")
        || IP_LITERAL.matcher(name).matches()
        || name.indexOf(':') >= 0
        || hosts.contains(name);
  }
}
