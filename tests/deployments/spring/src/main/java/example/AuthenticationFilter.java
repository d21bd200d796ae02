package example;

import com.fasterxml.jackson.databind.ObjectMapper;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.http.MediaType;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;

/** Lets in what is signed, with its body kept for whoever reads it next. */
@Component
class AuthenticationFilter extends OncePerRequestFilter {
    private static final int MAX_BODY = 1 << 20;

    private final ObjectMapper json;
    private final Map<String, String> credentials =
        Arrays.stream(System.getenv("XKS_CREDENTIALS").split(","))
            .map(pair -> pair.split(":", 2))
            .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));

    AuthenticationFilter(ObjectMapper json) {
        this.json = json;
    }

    /** For load balancers ("Load balancer health checks"). */
    @Override
    protected boolean shouldNotFilter(HttpServletRequest request) {
        return request.getRequestURI().equals("/ping");
    }

    @Override
    protected void doFilterInternal(
        HttpServletRequest request, HttpServletResponse response, FilterChain chain)
        throws ServletException, IOException {
        byte[] body = request.getInputStream().readNBytes(MAX_BODY + 1);
        if (body.length > MAX_BODY) {
            refuse(response, new Refusal("UnsupportedOperationException", "The body is too large."));
        } else if (!Signature.isAuthentic(request, body, credentials)) {
            refuse(
                response,
                new Refusal("AuthenticationFailedException", "The signature is invalid."));
        } else {
            chain.doFilter(new WithBody(request, body), response);
        }
    }

    private void refuse(HttpServletResponse response, Refusal refusal) throws IOException {
        if (XksProxy.wrong("send-error")) {
            response.sendError(refusal.status(), refusal.getMessage());
            return;
        }
        response.setStatus(refusal.status());
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        json.writeValue(response.getOutputStream(), refusal.body());
    }

    private static final class WithBody extends HttpServletRequestWrapper {
        private final ByteArrayInputStream body;

        WithBody(HttpServletRequest request, byte[] body) {
            super(request);
            this.body = new ByteArrayInputStream(body);
        }

        @Override
        public ServletInputStream getInputStream() {
            return new ServletInputStream() {
                @Override
                public int read() {
                    return body.read();
                }

                @Override
                public boolean isFinished() {
                    return body.available() == 0;
                }

                @Override
                public boolean isReady() {
                    return true;
                }

                @Override
                public void setReadListener(ReadListener listener) {
                    throw new UnsupportedOperationException();
                }
            };
        }
    }
}
